"""The catalogue in a SQL database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from imgsvc.catalog.assets import SqlAssets
from imgsvc.catalog.base import Catalog
from imgsvc.catalog.changes import SqlChanges
from imgsvc.catalog.database import Changed, Database
from imgsvc.catalog.downloads import SqlDownloads
from imgsvc.catalog.files import SqlFiles
from imgsvc.catalog.folders import SqlFolders
from imgsvc.catalog.links import SqlLinks
from imgsvc.catalog.originals import SqlOriginals
from imgsvc.catalog.purges import SqlPurges
from imgsvc.catalog.tokens import SqlTokens


@asynccontextmanager
async def open_catalog(url: str, *, changed: Changed) -> AsyncGenerator[Catalog]:
    """Brought to the newest schema. `url` and `changed` as of `Database`."""
    async with Database(url, changed=changed) as database:
        yield Catalog(
            assets=SqlAssets(database),
            originals=SqlOriginals(database),
            folders=SqlFolders(database),
            files=SqlFiles(database),
            links=SqlLinks(database),
            downloads=SqlDownloads(database),
            purges=SqlPurges(database),
            tokens=SqlTokens(database),
            changes=SqlChanges(database),
        )
