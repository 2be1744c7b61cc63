"""From bytes to bytes through probe, plan and worker, in this process; and what the tests of processes need."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio

from imgsvc.core.assets import ImageInfo, Original
from imgsvc.core.errors import NotAnImage
from imgsvc.core.formats import SNIFFED_BYTES, Format, sniff_format
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults, Plan, make_plan, plan_stripped_original
from imgsvc.core.transform import NOTHING_ASKED, Transform
from imgsvc.render.aside import Aside
from imgsvc.render.messages import Failed, Probe, Probed, Render, Written, error_from_failed
from imgsvc.render.pool import Pool
from imgsvc.render.worker import do
from imgsvc.render.worker_settings import WorkerSettings
from tests.strategies import original_of

Found = TypeVar("Found")

PATIENCE = 30.0
"""Seconds after which a test that waits for another process gives up."""

_PAUSE = 0.01
"""Seconds between two looks at another process, which needs the core more than who looks."""


class Darkroom:
    """Failures are raised as the service raises them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def file(self, data: bytes) -> Path:
        path = self.path()
        path.write_bytes(data)
        return path

    def path(self) -> Path:
        """A fresh one."""
        return self._folder / f"{next(self._numbers)}.bin"

    def probe(self, data: bytes, source: Format | None = None, *, limits: Limits | None = None) -> ImageInfo:
        """Raises NotAnImage, also where the bytes are of no format we know; CorruptOriginal, TooManyPixels."""
        source = source or sniff_format(data[:SNIFFED_BYTES])
        if source is None:
            raise NotAnImage("These bytes are no picture.")
        result = do(Probe(path=str(self.file(data)), source=source, limits=limits or Limits()))
        if isinstance(result, Failed):
            raise error_from_failed(result)
        assert isinstance(result, Probed)
        return result.info

    def original(self, data: bytes) -> Original:
        return original_of(self.probe(data), length=len(data))

    def plan(self, data: bytes, transform: Transform = NOTHING_ASKED) -> Plan:
        return make_plan(self.original(data), transform, defaults=Defaults(), limits=Limits())

    def render(self, data: bytes, transform: Transform = NOTHING_ASKED) -> bytes:
        return self.carry_out(data, self.plan(data, transform))

    def strip(self, data: bytes) -> bytes:
        """The original without its metadata, else as it is."""
        plan = plan_stripped_original(self.original(data), defaults=Defaults(), limits=Limits())
        return self.carry_out(data, plan)

    def carry_out(self, data: bytes, plan: Plan) -> bytes:
        output = self.path()
        result = do(Render(path=str(self.file(data)), info=self.probe(data), plan=plan, output=str(output)))
        if isinstance(result, Failed):
            raise error_from_failed(result)
        assert isinstance(result, Written)
        return output.read_bytes()


class HeldOriginal:
    """A named pipe in an original's place: who reads it hangs until the test lets the bytes come."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._writing: int | None = None

    async def reached(self) -> None:
        """When somebody has begun to read; from then on he waits for bytes. To be called again after `kill_reader`."""
        self._writing = await _found(self._open_for_writing)

    def release(self, data: bytes) -> None:
        """What fits into a pipe at once: 64 KiB (pipe(7))."""
        assert self._writing is not None
        os.write(self._writing, data)
        self.drop()

    def drop(self) -> None:
        """The reader meets the end."""
        if self._writing is not None:
            os.close(self._writing)
            self._writing = None

    async def kill_reader(self) -> None:
        reader = await _found(self._reader)
        os.kill(reader, signal.SIGKILL)
        # A process that has SIGKILL pending runs no further, so it does not see the end that follows.
        self.drop()
        # Until then its end of the pipe is open, and `reached` would take it for the next reader's.
        assert await is_gone(reader)

    def _open_for_writing(self) -> int | None:
        """It is refused while nobody has opened the other end (fifo(7))."""
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None

    def _reader(self) -> int | None:
        for pid in worker_pids():
            if str(self.path) in {str(link) for link in _open_files(pid)}:
                return pid
        return None


def worker_pids() -> list[int]:
    """Render workers among the children of this process."""
    pids = [int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    return [pid for pid in pids if b"imgsvc.render.worker" in _command_line(pid)]


async def is_gone(pid: int) -> bool:
    """Ended and reaped; waits for it."""

    def gone() -> bool | None:
        return None if Path(f"/proc/{pid}").exists() else True

    return await _found(gone)


async def until(holds: Callable[[], Awaitable[bool]], *, patience: float = PATIENCE) -> None:
    """For what another process brings about. Raises TimeoutError."""
    with anyio.fail_after(patience):
        while not await holds():
            await anyio.sleep(_PAUSE)


async def is_listened_to(socket: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@asynccontextmanager
async def running_pool(
    *,
    workers: int = 1,
    deadline: float = PATIENCE,
    settings: WorkerSettings | None = None,
    aside: Aside | None = None,
) -> AsyncGenerator[Pool]:
    async with Pool(workers=workers, deadline=deadline, settings=settings or WorkerSettings(), aside=aside) as pool:
        yield pool


async def _found(look: Callable[[], Found | None]) -> Found:
    """What `look` finds as soon as it finds anything. Raises TimeoutError."""
    give_up = time.monotonic() + PATIENCE
    while (found := look()) is None:
        if time.monotonic() > give_up:
            raise TimeoutError
        await anyio.sleep(_PAUSE)
    return found


def _open_files(pid: int) -> list[Path]:
    try:
        return [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def _command_line(pid: int) -> bytes:
    """Empty for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
