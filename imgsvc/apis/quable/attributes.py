"""Attributes in JSON: how an empty object is spelled, and how new values meet those that are there."""

from typing import Any, TypeAlias

from imgsvc.core.assets import Attributes, JsonValue
from imgsvc.core.errors import InvalidParameter

AttributesShape: TypeAlias = dict[str, Any] | list[Any]
"""PHP writes an empty object as `[]`. The values are any JSON, which msgspec has no type for."""


def attributes_from_shape(shape: AttributesShape | None) -> Attributes:
    """Raises InvalidParameter."""
    if not shape:
        return {}
    if isinstance(shape, list):
        raise InvalidParameter("attributes", expected="an object", received="an array")
    return shape


def shape_from_attributes(attributes: Attributes) -> AttributesShape:
    return dict(attributes) or []


def merge_attributes(old: Attributes, new: Attributes) -> Attributes:
    """By name; of two values that are maps from locale to text also by locale. The rest of `old` stays."""
    return {**old, **{name: _merge_values(old.get(name), value) for name, value in new.items()}}


def _merge_values(old: JsonValue, new: JsonValue) -> JsonValue:
    if not isinstance(old, dict):
        return new
    if new == []:
        # PHP's empty map, which has no locale to change.
        return old
    return {**old, **new} if isinstance(new, dict) else new
