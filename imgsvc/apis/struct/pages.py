"""What may be longer than memory should hold, page by page: each page as of its own moment.

There is always a first page, perhaps an empty one.
"""

from collections.abc import AsyncIterator, Iterator, Sequence

from imgsvc.apis.struct.ids import find_folder_id
from imgsvc.catalog.base import Assets, FolderPlace, Folders
from imgsvc.core.assets import Asset, Folder, Instance, ref_from_text

_ASSETS = 500
_SERIALS = 5000


async def asset_serials(assets: Assets, instance: Instance) -> AsyncIterator[list[int]]:
    """Oldest first."""
    after = 0
    while True:
        page = await assets.serials_following(instance, after=after, limit=_SERIALS)
        yield page
        if len(page) < _SERIALS:
            return
        after = page[-1]


async def assets_in_folder(assets: Assets, instance: Instance, folder: int | None) -> AsyncIterator[list[Asset]]:
    """By name."""
    after: FolderPlace | None = None
    while True:
        page = await assets.in_folder(instance, folder, after=after, limit=_ASSETS)
        yield page
        if len(page) < _ASSETS:
            return
        after = FolderPlace(page[-1].name, page[-1].serial)


async def assets_by_id(assets: Assets, instance: Instance, ids: Sequence[str]) -> AsyncIterator[list[Asset]]:
    """In the order of the ids; what is not there is left out."""
    for some in _portions(ids):
        refs = [ref for text in some if (ref := ref_from_text(text, instance=instance)) is not None]
        yield [asset for asset in await assets.find_many(refs) if asset is not None]


async def folders_by_id(folders: Folders, instance: Instance, ids: Sequence[str]) -> AsyncIterator[list[Folder]]:
    """As `assets_by_id`."""
    for some in _portions(ids):
        serials = [serial for text in some if (serial := find_folder_id(text)) is not None]
        yield [folder for folder in await folders.find_many(instance, serials) if folder is not None]


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids) or 1, _ASSETS):
        yield ids[start : start + _ASSETS]
