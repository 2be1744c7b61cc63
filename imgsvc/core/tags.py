"""Names under which caches keep pictures, so that all of an asset, a folder or a preset can be purged at once."""

import re
from uuid import UUID

from imgsvc.core.assets import Asset, Instance

_UNFIT = re.compile(r"[^a-z0-9_-]")
_LONGEST_PRESET = 64


def picture_tags(asset: Asset, *, preset: str | None) -> tuple[str, ...]:
    """Of every answer that shows the asset. `preset`: by which it was asked for, None where by none."""
    tags = (asset_tag(asset.id), folder_tag(asset.folder))
    return tags if preset is None else (*tags, preset_tag(preset))


def asset_tag(id: UUID) -> str:
    return f"asset-{id}"


def folder_tag(serial: int | None) -> str:
    """Of what lies in the folder itself, not below it; None is the root, of whatever instance."""
    return "folder-root" if serial is None else f"folder-{serial}"


def preset_tag(name: str) -> str:
    """In any case. What fits no tag is replaced and cut, so that two strange names may share one: both are purged."""
    return f"preset-{_UNFIT.sub('-', name.lower())[:_LONGEST_PRESET]}"


def preset_label(instance: Instance, name: str) -> str:
    """Under which our own cache finds what was asked for by that preset of that instance. `name` in lower case."""
    return f"{instance}/{name}"
