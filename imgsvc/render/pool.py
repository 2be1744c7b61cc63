"""The supervisor of N workers: each job has a deadline, and a worker that dies takes no other job with it.

Spawned, never forked. libvips works in one thread, since there are as many workers as cores.
"""

import asyncio
import os
import resource
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog

from imgsvc.core.errors import ImgsvcError, RenderCrashed, RenderTimeout
from imgsvc.core.harm import Harm
from imgsvc.render.aside import Aside, refuse_set_aside, speaks_against
from imgsvc.render.messages import READY, Failed, Job, Probe, Result, frame, read_frame
from imgsvc.render.worker_settings import WorkerSettings

_log = structlog.get_logger(__name__)

_ENVIRONMENT: Mapping[str, str] = {
    "VIPS_CONCURRENCY": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # A second arena of glibc's held on to half as much memory again after each job and made nothing faster. Fixed
    # thresholds keep at most some 60 MB between jobs and give back the rest: a progressive JPEG of 14 MP is spared
    # 6,900 page faults, which were 8% of its CPU.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    "MALLOC_TOP_PAD_": "16777216",
}
_ATTEMPTS = 2

_GROWN = 256 << 20
"""Bytes resident between jobs. A worker starts with 70 MB and keeps at most some 60 MB for the next job."""


class Lane(Enum):
    SHORT = "short"
    LONG = "long"
    """Never has all workers where there are several: a large original must not keep thumbnails waiting."""


class WaitedTooLong(Exception):
    """No worker became free in time; nothing was begun."""


class Pool:
    """`deadline` seconds a job. `aside` is told of originals that workers did not survive; what it sets aside is given
    to none any more. None: nobody counts.

    Enter it in the event loop it is used in; leaving kills the workers.
    """

    def __init__(
        self,
        *,
        workers: int,
        deadline: float,
        settings: WorkerSettings,
        aside: Aside | None = None,
    ) -> None:
        self._count = workers
        self._deadline = deadline
        self._settings = settings
        self._aside = aside
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._waiting: list[tuple[Lane, asyncio.Future[_Worker]]] = []
        self._long = 0
        self._is_closing = False
        self._quiet = asyncio.Event()

    @property
    def workers(self) -> int:
        return self._count

    async def __aenter__(self) -> Self:
        self._idle = [self._hire() for _ in range(self._count)]
        self._quiet.set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing = True
        for worker in list(self._workers):
            await worker.kill()
        self._workers.clear()

    async def wait_until_quiet(self) -> None:
        """Until a worker is idle and nobody waits for one."""
        await self._quiet.wait()

    async def run(
        self,
        job: Job,
        *,
        lane: Lane = Lane.SHORT,
        patience: float | None = None,
        begun: Callable[[], None] = lambda: None,
    ) -> Result:
        """Waits for an idle worker, `patience` seconds at most: whoever calls bounds the queue. `begun` is told of it.

        A job whose worker died is given to a second one, for the first may have died of something else. Raises
        WaitedTooLong, RenderTimeout, RenderCrashed, Quarantined.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with asyncio.timeout(patience):
                    worker = await self._acquire(lane)
            except TimeoutError:
                raise WaitedTooLong from None
            begun()
            try:
                self._refuse(job)
                async with asyncio.timeout(self._deadline):
                    result = await worker.run(job)
            except TimeoutError:
                await worker.kill()
                self._count_harm(job, Harm.TIMEOUT, worker)
                _log.warning("render.timeout", seconds=self._deadline, path=job.path)
                raise RenderTimeout(f"Rendering was stopped after {self._deadline:g} seconds.") from None
            except (asyncio.IncompleteReadError, OSError):
                await worker.kill()
                self._count_harm(job, Harm.CRASH, worker)
                _log.warning("render.crashed", attempt=attempt, path=job.path, status=worker.status)
            except ImgsvcError:
                # Nothing was begun.
                raise
            except BaseException:
                # Cancelled half-way: the next job must not read this one's answer.
                await worker.kill()
                raise
            else:
                if isinstance(result, Failed):
                    _log.warning("render.refused", error=result.error, words=result.words, path=job.path)
                if worker.has_grown:
                    _log.info("render.worker_recycled", path=job.path)
                    await worker.kill()
                return result
            finally:
                self._release(worker if worker.is_alive else self._replace(worker), lane)
        raise RenderCrashed("The picture made the renderer end twice.")

    def _refuse(self, job: Job) -> None:
        """Much may have happened since it began to wait. Raises Quarantined, RenderCrashed."""
        if self._is_closing:
            raise RenderCrashed("The renderer is being stopped.")
        if self._aside is not None and not isinstance(job, Probe):
            refuse_set_aside(self._aside, job.path)

    def _count_harm(self, job: Job, harm: Harm, worker: "_Worker") -> None:
        """A worker that could not even start says nothing of what it was to do, nor one that ends with all others."""
        if self._aside is None or self._is_closing or not worker.is_ready:
            return
        if speaks_against(job, harm, deadline=self._deadline):
            self._aside.strike(Path(job.path).name, harm)

    async def _acquire(self, lane: Lane) -> "_Worker":
        given: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append((lane, given))
        self._hand_out()
        try:
            return await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                self._release(given.result(), lane)
            else:
                given.cancel()
                self._hand_out()
            raise

    def _release(self, worker: "_Worker", lane: Lane) -> None:
        self._long -= lane is Lane.LONG
        self._idle.append(worker)
        self._hand_out()

    def _hand_out(self) -> None:
        """In the order in which they came, but for long jobs that would have the last worker."""
        for waiting in list(self._waiting):
            lane, given = waiting
            if given.cancelled():
                # Who waited was told to go, and has not run since.
                self._waiting.remove(waiting)
                continue
            if not self._idle:
                break
            if lane is Lane.LONG and self._long >= max(1, self._count - 1):
                continue
            self._waiting.remove(waiting)
            self._long += lane is Lane.LONG
            given.set_result(self._idle.pop())
        if self._idle and not self._waiting:
            self._quiet.set()
        else:
            self._quiet.clear()

    def _hire(self) -> "_Worker":
        worker = _Worker(self._settings)
        self._workers.add(worker)
        return worker

    def _replace(self, dead: "_Worker") -> "_Worker":
        self._workers.discard(dead)
        return self._hire()


class _Worker:
    """Starts its process with the first job, so that a crash at start is met where it can be answered."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._is_ready = False
        self._killed = False
        self._decoder = msgspec.msgpack.Decoder(Result)

    @property
    def is_alive(self) -> bool:
        return not self._killed

    @property
    def has_grown(self) -> bool:
        """It holds much more memory than between jobs it should; asked of the kernel, in some 10 µs."""
        if self._process is None:
            return False
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        except (OSError, ValueError):
            return False
        return pages * resource.getpagesize() > _GROWN

    @property
    def status(self) -> int | None:
        return None if self._process is None else self._process.returncode

    @property
    def is_ready(self) -> bool:
        """Its process has told so."""
        return self._is_ready

    async def run(self, job: Job) -> Result:
        process = await self._start() if self._process is None or _has_ended(self._process) else self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(frame(job))
        await process.stdin.drain()
        return self._decoder.decode(await read_frame(process.stdout))

    async def _start(self) -> asyncio.subprocess.Process:
        self._is_ready = False
        if self._process is not None:
            await self._process.wait()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "imgsvc.render.worker",
            str(os.getpid()),
            msgspec.json.encode(self._settings).decode(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT},
        )
        assert self._process.stdout is not None
        await self._process.stdout.readexactly(len(READY))
        self._is_ready = True
        return self._process

    async def kill(self) -> None:
        self._killed = True
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


def _has_ended(process: asyncio.subprocess.Process) -> bool:
    """While it was idle, by whatever; asked of the kernel, for asyncio may not have heard of it."""
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True
