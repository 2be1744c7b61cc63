"""The work of `imgsvc verify`: what lies on the disk is read and compared, beside a server or without one."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from anyio import to_thread
from rich.console import Console

from imgsvc.app.library import open_library
from imgsvc.app.parts import derivatives_folder, pyramids_folder
from imgsvc.commands.progress import progress_bar
from imgsvc.commands.showing import shown_by
from imgsvc.core.assets import Digest
from imgsvc.core.variant import Derivative
from imgsvc.service.scrubbing import Finding, Pace, Scrub
from imgsvc.settings import Settings
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.inventory import count_derivatives, is_known, known_derivatives

_AT_ONCE = 100


async def verify(settings: Settings, *, derivatives: bool, rate: float | None, after: str | None) -> bool:
    """Prints a line for each original or cached file that is not what it was. Whether all are. Raises StoreFailure.

    `rate` bytes a second. Who stops it is told behind which digest it can go on.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    pace = Pace(rate)
    whole = await _verify_originals(settings, pace, None if after is None else Digest(after), console)
    if derivatives:
        for folder in (derivatives_folder(settings), pyramids_folder(settings)):
            whole &= await _verify_derivatives(folder, pace, console)
    return whole


async def _verify_originals(settings: Settings, pace: Pace, after: Digest | None, console: Console) -> bool:
    out = Console(soft_wrap=True, highlight=False)
    looked, wrong, last = 0, 0, after
    async with open_library(settings) as library:
        scrub = Scrub(catalog=library.catalog, blobs=library.blobs, pace=pace)
        with progress_bar(console) as progress:
            task = progress.add_task("Originals", total=None if after else await library.catalog.originals.count())
            try:
                async for part in scrub.originals(after=after):
                    for finding in part.findings:
                        out.print(_line(finding), markup=False)
                    looked, wrong, last = looked + part.originals, wrong + len(part.findings), part.last
                    progress.update(task, completed=looked)
            except BaseException:
                if last is not None:
                    console.print(f"Stopped; --after {last} goes on from here.")
                raise
        console.print(f"{looked - wrong} originals are whole, {wrong} are not.")
        orphans = [] if after else await scrub.orphans()
        if orphans:
            console.print(f"{len(orphans)} files in originals/ are named by no record.")
    return wrong == 0


def _line(finding: Finding) -> str:
    return f"{finding.fault:8} {finding.digest}: {shown_by(finding.assets, otherwise='a file sent ahead')}"


async def _verify_derivatives(folder: Path, pace: Pace, console: Console) -> bool:
    """What is wrong is made again when it is asked for."""
    out = Console(soft_wrap=True, highlight=False)
    looked, wrong = 0, 0
    files, known = DerivativeFiles(folder), known_derivatives(folder)
    with progress_bar(console) as progress:
        task = progress.add_task(folder.name.capitalize(), total=await to_thread.run_sync(count_derivatives, folder))
        while some := await to_thread.run_sync(lambda: list(islice(known, _AT_ONCE))):
            for derivative in await to_thread.run_sync(_damaged, folder, files, some):
                wrong += 1
                out.print(f"damaged  {files.path(derivative.key, derivative.format)}", markup=False)
            looked += len(some)
            progress.update(task, completed=looked)
            await pace.keep(sum(one.length for one in some))
    console.print(f"{looked - wrong} files in {folder.name}/ are whole, {wrong} are not.")
    return wrong == 0


def _damaged(folder: Path, files: DerivativeFiles, some: Sequence[Derivative]) -> list[Derivative]:
    """But for what was evicted or made again meanwhile. Blocks."""
    return [one for one in some if not files.is_whole(one) and is_known(folder, one)]
