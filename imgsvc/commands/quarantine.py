"""The work of `imgsvc quarantine`, beside a server or without one."""

import re
from uuid import UUID

from imgsvc.app.library import open_library
from imgsvc.app.parts import open_quarantine
from imgsvc.core.assets import AssetKind, AssetRef, Digest
from imgsvc.core.errors import NotFound
from imgsvc.settings import Settings


def list_quarantined(settings: Settings) -> str:
    """A line each. Raises StoreFailure."""
    found = open_quarantine(settings).list()
    lines = [f"{one.last:%Y-%m-%d %H:%M}  {','.join(one.harms):24}  {one.source}" for one in found]
    return "\n".join(lines) or "Nothing is set aside."


async def release(settings: Settings, named: str) -> str:
    """`named`: an original's digest, or the GUID of an asset. Raises NotFound, StoreFailure."""
    digest = await _digest_of(settings, named)
    if not open_quarantine(settings).release(digest):
        raise NotFound(f"The original {digest} is not set aside.")
    return f"released {digest}"


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
