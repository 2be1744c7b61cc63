"""The work of `imgsvc import`, `replace` and `samples`: originals from files, beside a server or without one."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import NAMESPACE_URL, UUID, uuid5

from anyio import to_thread
from rich.console import Console

from imgsvc.app.broker import make_pool
from imgsvc.app.gate import load_signing_keys, make_gate
from imgsvc.app.library import Library, make_ingest, open_library
from imgsvc.app.parts import make_limits
from imgsvc.commands.progress import progress_bar
from imgsvc.core.assets import AssetKind, AssetRef, NewAsset
from imgsvc.core.errors import ImgsvcError
from imgsvc.dialects.struct import write_media_url
from imgsvc.render.local import PoolProber
from imgsvc.service.ingest import Ingest, Taken
from imgsvc.settings import Settings, url_of
from imgsvc.storage.spool import Spool

_READ_CHUNK = 1 << 20


async def import_paths(settings: Settings, paths: tuple[Path, ...]) -> int:
    """Prints a line an asset taken in and a line a file refused, with why. The number of those refused."""
    files = sorted({file for path in paths for file in _files_below(path)})
    refused = 0
    # A pipe gets each address on one line, however long.
    out, console = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)
    async with _ingest(settings) as (library, ingest):
        with progress_bar(console) as progress:
            task = progress.add_task("Taking in", total=len(files))
            waiting = asyncio.Semaphore(settings.render_workers)

            async def take(path: Path) -> None:
                nonlocal refused
                async with waiting:
                    try:
                        taken = await _take_in(settings, library, ingest, path)
                    except (ImgsvcError, OSError) as error:
                        refused += 1
                        reason = error.detail if isinstance(error, ImgsvcError) else error.strerror
                        console.print(f"refused  {path}: {reason}", markup=False)
                    else:
                        word = "new    " if taken.is_new else "known  "
                        out.print(f"{word} {write_media_url(taken.asset)}", markup=False)
                    progress.advance(task)

            async with asyncio.TaskGroup() as group:
                for path in files:
                    group.create_task(take(path))
    console.print(f"{len(files) - refused} in the library, {refused} refused.")
    return refused


async def replace_original(settings: Settings, asset_id: UUID, path: Path) -> str:
    """Raises NotFound and what Ingest.replace raises."""
    async with _ingest(settings) as (library, ingest):
        with Spool(library.blobs.spool_path(), limit=settings.upload_bytes) as spool:
            await to_thread.run_sync(_copy, path, spool)
            ref = AssetRef(AssetKind.GUID, str(asset_id), settings.instance)
            asset = await ingest.replace(ref, spool.finish(), path.name)
    return f"replaced {write_media_url(asset)}"


async def import_samples(settings: Settings) -> None:
    """Draws them and takes them in under ids that are the same on every machine; not into a library with assets."""
    from imgsvc.render.samples import SAMPLES

    async with _ingest(settings) as (library, ingest):
        if not await library.catalog.assets.is_empty():
            return
        base = settings.public_url or url_of(settings.host, settings.port)
        gate = make_gate(settings, load_signing_keys(settings))
        console = Console(soft_wrap=True, highlight=False)
        console.print("Drawing sample products:")
        with TemporaryDirectory() as folder:
            for sample in SAMPLES:
                path = Path(folder) / sample.file_name
                await to_thread.run_sync(sample.draw, path)
                asset_id = uuid5(NAMESPACE_URL, f"imgsvc:samples:{sample.file_name}")
                taken = await _take_in(settings, library, ingest, path, asset_id=asset_id)
                console.print(f"  {base}{gate.link(write_media_url(taken.asset))}  {sample.about}", markup=False)


@asynccontextmanager
async def _ingest(settings: Settings) -> AsyncGenerator[tuple[Library, Ingest]]:
    """With workers of its own, so that it works beside a server and without one."""
    async with open_library(settings) as library, make_pool(settings) as pool:
        yield library, make_ingest(library, PoolProber(pool, make_limits(settings)))


async def _take_in(
    settings: Settings, library: Library, ingest: Ingest, path: Path, *, asset_id: UUID | None = None
) -> Taken:
    new = NewAsset(instance=settings.instance, name=path.name, id=asset_id)
    with Spool(library.blobs.spool_path(), limit=settings.upload_bytes) as spool:
        await to_thread.run_sync(_copy, path, spool)
        return await ingest.add_once(spool.finish(), new)


def _copy(path: Path, spool: Spool) -> None:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_READ_CHUNK):
            spool.write(chunk)


def _files_below(path: Path) -> Iterator[Path]:
    """Hidden files and folders are passed over, unless named themselves."""
    if not path.is_dir():
        yield path
        return
    for below in path.rglob("*"):
        hidden = any(part.startswith(".") for part in below.relative_to(path).parts)
        if below.is_file() and not hidden:
            yield below
