"""Assets and originals: what commands and server processes share."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.sql import open_catalog
from imgsvc.coordination.local import Generation
from imgsvc.render.base import Prober, Renderer
from imgsvc.service.ingest import Ingest
from imgsvc.service.removal import Removal
from imgsvc.settings import Settings
from imgsvc.storage.blobs import BlobStore, LocalBlobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    catalog: Catalog
    blobs: BlobStore
    generation: Generation


@asynccontextmanager
async def open_library(settings: Settings) -> AsyncGenerator[Library]:
    settings.run.mkdir(parents=True, exist_ok=True)
    generation = Generation(settings.run / "generation")
    try:
        url = f"sqlite:///{settings.data / 'catalog.sqlite'}"
        async with open_catalog(url, changed=generation.tell) as catalog:
            yield Library(catalog=catalog, blobs=LocalBlobs(settings.data / "originals"), generation=generation)
    finally:
        generation.close()


def make_ingest(library: Library, prober: Prober) -> Ingest:
    return Ingest(catalog=library.catalog, blobs=library.blobs, prober=prober, now=utc_now)


def make_removal(library: Library, renderer: Renderer) -> Removal:
    return Removal(catalog=library.catalog, blobs=library.blobs, forget=renderer.forget, now=utc_now)


def utc_now() -> datetime:
    return datetime.now(UTC)
