"""The supervisor of N workers: each job has a deadline, and a worker that dies takes no other job with it.

Spawned, never forked. libvips works in one thread, since there are as many workers as cores.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import msgspec
import structlog

from imgsvc.core.errors import RenderCrashed, RenderTimeout
from imgsvc.render.messages import Failed, Job, Result, frame, read_frame
from imgsvc.render.worker_settings import WorkerSettings

_log = structlog.get_logger(__name__)

_ENVIRONMENT: Mapping[str, str] = {
    "VIPS_CONCURRENCY": "1",
    # A second arena of glibc's held on to half as much memory again after each job and made nothing faster. Fixed
    # thresholds keep at most some 60 MB between jobs and give back the rest: a progressive JPEG of 14 MP is spared
    # 6,900 page faults, which were 8% of its CPU.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "67108864",
    "MALLOC_TOP_PAD_": "16777216",
}
_ATTEMPTS = 2


class Pool:
    """`deadline` seconds a job. Enter it in the event loop it is used in; leaving kills the workers."""

    def __init__(self, *, workers: int, deadline: float, settings: WorkerSettings) -> None:
        self._count = workers
        self._deadline = deadline
        self._settings = settings
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._workers: set[_Worker] = set()
        self._long = asyncio.Semaphore(max(1, workers - 1))

    @property
    def workers(self) -> int:
        return self._count

    async def __aenter__(self) -> Self:
        for _ in range(self._count):
            self._idle.put_nowait(self._hire())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in list(self._workers):
            await worker.kill()
        self._workers.clear()

    async def run(self, job: Job, *, is_long: bool = False) -> Result:
        """Waits for an idle worker without limit: whoever calls bounds the queue.

        Long jobs never have all workers, where there are several: a large original must not keep thumbnails waiting.

        A job whose worker died is given to a second one, for the first may have died of something else. Raises
        RenderTimeout, RenderCrashed.
        """
        async with self._long if is_long else contextlib.nullcontext():
            return await self._run(job)

    async def _run(self, job: Job) -> Result:
        for attempt in range(1, _ATTEMPTS + 1):
            worker = await self._idle.get()
            try:
                async with asyncio.timeout(self._deadline):
                    result = await worker.run(job)
            except TimeoutError:
                await worker.kill()
                _log.warning("render.timeout", seconds=self._deadline, path=job.path)
                raise RenderTimeout(f"Rendering was stopped after {self._deadline:g} seconds.") from None
            except (asyncio.IncompleteReadError, OSError):
                await worker.kill()
                _log.warning("render.crashed", attempt=attempt, path=job.path, status=worker.status)
            except BaseException:
                # Cancelled half-way: the next job must not read this one's answer.
                await worker.kill()
                raise
            else:
                if isinstance(result, Failed):
                    _log.warning("render.refused", error=result.error, words=result.words, path=job.path)
                return result
            finally:
                self._idle.put_nowait(worker if worker.is_alive else self._replace(worker))
        raise RenderCrashed("The picture made the renderer end twice.")

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
        self._killed = False
        self._decoder = msgspec.msgpack.Decoder(Result)

    @property
    def is_alive(self) -> bool:
        return not self._killed

    @property
    def status(self) -> int | None:
        return None if self._process is None else self._process.returncode

    async def run(self, job: Job) -> Result:
        if self._process is None:
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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(frame(job))
        await self._process.stdin.drain()
        return self._decoder.decode(await read_frame(self._process.stdout))

    async def kill(self) -> None:
        self._killed = True
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
