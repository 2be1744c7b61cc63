"""The vendor's ids: an asset is called by its code, and where none has that code, by its GUID.

Codes are free text, so serials and slugs are no ids here: they cannot be told from a code.
"""

from uuid import UUID

from imgsvc.catalog.base import Assets
from imgsvc.core.assets import CODE, Asset, AssetKind, AssetRef, Instance, guid_from_text, is_code
from imgsvc.core.errors import Conflict, InvalidParameter, NotFound


async def find_asset(assets: Assets, text: str, instance: Instance) -> Asset:
    """Raises NotFound."""
    refs = [AssetRef(AssetKind.CODE, text, instance)]
    guid = guid_from_text(text)
    if guid is not None:
        refs.append(AssetRef(AssetKind.GUID, str(guid), instance))
    found = next((asset for asset in await assets.find_many(refs) if asset is not None), None)
    if found is None:
        raise NotFound("There is no asset of that id.")
    return found


def lasting_ref(asset: Asset) -> AssetRef:
    """By what never changes."""
    return AssetRef(AssetKind.GUID, str(asset.id), asset.instance)


async def claim_guid(assets: Assets, code: str, instance: Instance) -> UUID | None:
    """The GUID of a new asset of that code: the code itself where it is one and free.

    None where by chance, also where an asset of another instance has it, which nobody is told. Raises Conflict where
    the code is taken in this one.
    """
    guid = guid_from_text(code)
    refs = [AssetRef(AssetKind.CODE, code, instance)]
    if guid is not None:
        refs.append(AssetRef(AssetKind.GUID, str(guid)))
    found = [asset for asset in await assets.find_many(refs) if asset is not None]
    if any(asset.instance == instance for asset in found):
        raise Conflict("There is an asset of that id already.")
    return None if found else guid


def check_code(name: str, text: str) -> str:
    """Of whatever has one. `name` is where the caller wrote it. Raises InvalidParameter."""
    if not is_code(text):
        raise InvalidParameter(name, expected=CODE, received=text)
    return text
