"""One process a host that all server processes ask over a Unix socket: one queue with a bound, one render per key.

However many ask for a key, in however many processes, it is looked up, and rendered once if it is not there. The broker
alone writes derivatives; it answers with what is known of them, and the files are read by who asked.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from imgsvc.core.errors import ImgsvcError, Overloaded, RenderCrashed
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.render.messages import (
    Answer,
    Asked,
    Failed,
    Forget,
    Forgotten,
    Found,
    Look,
    Probe,
    Probed,
    Question,
    Render,
    Rendered,
    Seen,
    Told,
    Wanted,
    error_from_failed,
    failed_from_error,
    frame,
    read_frame,
)
from imgsvc.render.pool import Pool

_log = structlog.get_logger(__name__)


LONG_SECONDS = 1.0
"""A render that may take that long leaves the last worker to others."""


class Cache(Protocol):
    """What the broker needs of the derivative cache. All methods block briefly; it is called from one thread."""

    def find(self, key: VariantKey) -> Derivative | None: ...
    def find_many(self, keys: Sequence[VariantKey]) -> Mapping[VariantKey, Derivative]: ...
    def scratch_path(self) -> Path: ...
    def admit(self, scratch: Path, derivative: Derivative, *, source: str) -> None: ...
    def discard(self, derivative: Derivative) -> None: ...
    def discard_all(self, source: str) -> int: ...


class Broker:
    """`queue_bound`: how many renders may wait or run at once; one more is Overloaded.

    `observe` is told each render's outcome and seconds, queueing included.
    """

    def __init__(self, *, pool: Pool, cache: Cache, queue_bound: int, observe: Callable[[str, float], None]) -> None:
        self._pool = pool
        self._cache = cache
        self._queue_bound = queue_bound
        self._observe = observe
        self._renders: dict[VariantKey, asyncio.Task[Derivative]] = {}
        self._probes = 0
        self._mean_seconds = 0.1
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, socket: Path) -> None:
        """Until cancelled."""
        with contextlib.suppress(FileNotFoundError):
            socket.unlink()
        # Nobody may connect between bind and chmod.
        mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._converse, path=socket)
        finally:
            os.umask(mask)
        async with server:
            await server.serve_forever()

    async def find_or_render(self, wanted: Wanted) -> Derivative:
        """Raises CorruptOriginal, Overloaded, RenderTimeout, RenderCrashed, StoreFailure."""
        under_way = self._renders.get(wanted.key)
        if under_way is None:
            found = self._cache.find(wanted.key)
            if found is not None and not wanted.distrust:
                return found
            if found is not None:
                _log.warning("derivative.distrusted", key=wanted.key)
                self._cache.discard(found)
            self._refuse_when_full()
            under_way = asyncio.create_task(self._render(wanted))
            self._renders[wanted.key] = under_way
            under_way.add_done_callback(lambda _: self._renders.pop(wanted.key, None))
        # Who goes away must not end it for the others.
        return await asyncio.shield(under_way)

    async def probe(self, probe: Probe) -> Probed:
        """Raises NotAnImage, CorruptOriginal, TooManyPixels, Overloaded, RenderTimeout, RenderCrashed."""
        self._refuse_when_full()
        self._probes += 1
        try:
            result = await self._pool.run(probe)
        finally:
            self._probes -= 1
        if isinstance(result, Failed):
            raise error_from_failed(result)
        assert isinstance(result, Probed)
        return result

    async def _render(self, wanted: Wanted) -> Derivative:
        started = time.monotonic()
        scratch = self._cache.scratch_path()
        outcome = "failed"
        try:
            job = Render(path=wanted.path, plan=wanted.plan, output=str(scratch))
            result = await self._pool.run(job, is_long=wanted.seconds >= LONG_SECONDS)
            if isinstance(result, Failed):
                raise error_from_failed(result)
            assert isinstance(result, Rendered)
            derivative = Derivative(
                key=wanted.key,
                format=wanted.plan.encoding.format,
                length=result.length,
                crc32=result.crc32,
                size=result.size,
            )
            self._cache.admit(scratch, derivative, source=_source(wanted.path))
            if not Path(wanted.path).exists():
                # It was freed meanwhile, and what had been made of it discarded.
                self._cache.discard(derivative)
        except ImgsvcError as error:
            outcome = type(error).__name__
            raise
        else:
            outcome = "rendered"
            return derivative
        finally:
            scratch.unlink(missing_ok=True)
            seconds = time.monotonic() - started
            self._mean_seconds += (seconds - self._mean_seconds) / 16
            self._observe(outcome, seconds)
            _log.info("render", key=wanted.key, outcome=outcome, seconds=round(seconds, 4))

    def _refuse_when_full(self) -> None:
        waiting = len(self._renders) + self._probes
        if waiting >= self._queue_bound:
            seconds = self._mean_seconds * waiting / self._pool.workers
            raise Overloaded("Too many pictures are being rendered.", retry_after=max(1, round(seconds)))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: questions are answered as their answers come."""
        decoder = msgspec.msgpack.Decoder(Question)
        try:
            while True:
                question = decoder.decode(await read_frame(reader))
                task = asyncio.create_task(self._answer(question, writer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except (msgspec.DecodeError, ValueError, RecursionError):
            _log.exception("broker.question_not_understood")
        finally:
            writer.close()

    async def _answer(self, question: Question, writer: asyncio.StreamWriter) -> None:
        body = await _caught(self._reply(question.body))
        with contextlib.suppress(ConnectionError):
            writer.write(frame(Answer(number=question.number, body=body)))
            await writer.drain()

    async def _reply(self, body: Asked) -> Told:
        match body:
            case Probe():
                return await self.probe(body)
            case Wanted():
                return Found(derivative=await self.find_or_render(body))
            case Look():
                found = self._cache.find_many(body.keys)
                return Seen(derivatives=[found.get(key) for key in body.keys])
            case Forget():
                return Forgotten(derivatives=self._cache.discard_all(_source(body.path)))


def _source(path: str) -> str:
    """An original is known by its file name, wherever it lies."""
    return Path(path).name


async def _caught(reply: Coroutine[Any, Any, Told]) -> Told | Failed:
    try:
        return await reply
    except ImgsvcError as error:
        return failed_from_error(error)
    except Exception:
        _log.exception("broker.failed")
        return failed_from_error(RenderCrashed("Rendering failed."))
