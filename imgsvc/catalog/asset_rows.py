"""Assets as rows: what is written of them, how they are read, how much may be said."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from imgsvc.catalog.database import stored_time, utc
from imgsvc.catalog.originals import ORIGINAL_COLUMNS, original_from_values
from imgsvc.catalog.schema import assets, originals
from imgsvc.core.assets import NO_ATTRIBUTES, Asset, Attributes
from imgsvc.core.errors import InvalidParameter

ASSETS = sa.select(*assets.c, *ORIGINAL_COLUMNS).join_from(assets, originals)
"""Rows that `asset_from_row` takes apart."""

_LONGEST = 64 * 1024
"""Characters of a description, and of attributes as JSON: lists hold hundreds of assets at a time."""

_DEEPEST = 32


def row_from_asset(asset: Asset) -> dict[str, object]:
    return {
        "code": asset.code,
        "name": asset.name,
        "digest": asset.original.digest,
        "folder": asset.folder,
        "description": _bounded("description", asset.description),
        "active": asset.active,
        "attributes": write_attributes(asset.attributes),
        "classifications": msgspec.json.encode(asset.classifications).decode(),
        "modified": stored_time(asset.modified),
        "updated_by": asset.updated_by,
    }


def asset_from_row(row: Sequence[Any]) -> Asset:
    """Of `ASSETS`; `digest` comes again with the original."""
    (
        serial, id, slug, instance, code, name, _, folder, description, active, attributes, classes,
        created, modified, created_by, updated_by, *original,
    ) = row  # fmt: skip
    return Asset(
        id=UUID(id),
        serial=serial,
        slug=slug,
        instance=instance,
        code=code,
        name=name,
        original=original_from_values(original),
        created=utc(created),
        modified=utc(modified),
        created_by=created_by,
        updated_by=updated_by,
        folder=folder,
        description=description,
        active=active,
        attributes=_read_attributes(attributes),
        classifications=_read_codes(classes),
    )


def write_attributes(attributes: Attributes) -> str:
    """As they are stored. Raises InvalidParameter where they are too long, or too deep in each other."""
    if _depth(dict(attributes)) > _DEEPEST:
        raise InvalidParameter(
            "attributes", expected=f"values at most {_DEEPEST} deep in each other", received="deeper"
        )
    return _bounded("attributes", msgspec.json.encode(dict(attributes)).decode())


def _bounded(name: str, text: str) -> str:
    if len(text) > _LONGEST:
        raise InvalidParameter(name, expected=f"at most {_LONGEST} characters", received=f"{len(text)} characters")
    return text


def _depth(value: object) -> int:
    """Level by level: what is too deep for us is too deep for the interpreter's stack."""
    depth, level = 0, [value]
    while level:
        nested = [one for one in level if isinstance(one, dict | list)]
        level = [item for one in nested for item in (one.values() if isinstance(one, dict) else one)]
        depth += bool(nested)
    return depth


def _read_attributes(text: str) -> Attributes:
    return NO_ATTRIBUTES if text == "{}" else msgspec.json.decode(text, type=dict[str, Any])


def _read_codes(text: str) -> tuple[str, ...]:
    return () if text == "[]" else msgspec.json.decode(text, type=tuple[str, ...])
