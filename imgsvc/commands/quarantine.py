"""The work of `imgsvc quarantine`, beside a server or without one."""

import re
from collections.abc import Sequence
from uuid import UUID

from imgsvc.app.library import open_library
from imgsvc.app.parts import open_quarantine
from imgsvc.commands.showing import shown_by
from imgsvc.core.assets import Asset, AssetKind, AssetRef, Digest
from imgsvc.core.errors import NotFound
from imgsvc.core.harm import SetAside
from imgsvc.settings import Settings


async def list_quarantined(settings: Settings) -> str:
    """A line each, with the assets that show it. Raises StoreFailure."""
    found = open_quarantine(settings).list()
    if not found:
        return "Nothing is set aside."
    async with open_library(settings) as library:
        return "\n".join([_line(one, await library.catalog.assets.showing(Digest(one.source))) for one in found])


async def release(settings: Settings, named: str) -> str:
    """`named`: an original's digest, or the GUID of an asset. Raises NotFound, StoreFailure."""
    digest = await _digest_of(settings, named)
    if not open_quarantine(settings).release(digest):
        raise NotFound(f"The original {digest} is not set aside.")
    return f"released {digest}"


def _line(one: SetAside, assets: Sequence[Asset]) -> str:
    shown = shown_by(assets, otherwise="no asset")
    return f"{one.last:%Y-%m-%d %H:%M}  {','.join(one.harms):15}  {one.source}: {shown}"


async def _digest_of(settings: Settings, named: str) -> Digest:
    if re.fullmatch(r"[0-9a-f]{64}", named.lower()):
        return Digest(named.lower())
    try:
        ref = AssetRef(AssetKind.GUID, str(UUID(named)))
    except ValueError:
        raise NotFound(f"{named} is neither a digest, 64 digits of 0-9 and a-f, nor a GUID.") from None
    async with open_library(settings) as library:
        asset = await library.catalog.assets.find(ref)
    if asset is None:
        raise NotFound(f"There is no asset {named}.")
    return asset.original.digest
