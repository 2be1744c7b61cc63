"""What goes into an archive: how each content is come by, and a few of them loaded ahead in order."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zlib import crc32

from anyio import CancelScope, CapacityLimiter, to_thread

from imgsvc.core.errors import ImgsvcError, Overloaded, StoreFailure
from imgsvc.service.delivery import SMALL, Body

Sleep = Callable[[float], Awaitable[None]]

HOP = 1 << 20
"""Bytes that are read in one hop and, about, sent at once; below it the hops cost more than what they do."""

_FILES_AHOP = 256

_ATTEMPTS = 5
_LONGEST_PAUSE = 30
"""Seconds. The queue may be full of this very archive, so a member is not given up at once."""


class Known(NamedTuple):
    """Of a content that need not be there: a rendition may have been evicted, and is made again as it was."""

    length: int
    crc32: int


class Loaded(NamedTuple):
    """A content that is there; who asked for it closes the body."""

    body: Body
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file that is to be in an archive. `name` as the library has it, `extension` as `core.zip.FileName` has it.

    `load` may render. Where the content is known and small, `read` is asked first: from where it lies, or None where
    it is not what it should be. It blocks, in any thread.
    """

    name: str
    modified: datetime
    load: Callable[[], Awaitable[Loaded]]
    extension: str | None = None
    known: Known | None = None
    read: Callable[[], bytes | None] | None = None


Arrival = Loaded | ImgsvcError


async def count_crc32(body: Body) -> Loaded:
    """For a `load` that knows no CRC-32: reads the body once, and closes it where that fails. Raises StoreFailure."""
    checksum = 0
    try:
        for at in range(0, body.length, HOP):
            checksum = crc32(await read_part(body, at, min(at + HOP, body.length)), checksum)
    except OSError as error:
        body.close()
        raise StoreFailure("The file is not whole.") from error
    except BaseException:
        body.close()
        raise
    return Loaded(body, checksum)


async def load_in_order(members: Iterable[Member], *, ahead: int, sleep: Sleep) -> AsyncGenerator[Sequence[Arrival]]:
    """What each has loaded, in order, or why it could not, a batch at a time; closed when the next is asked for."""
    batches = _batches(members)
    reading = CapacityLimiter(1)
    under_way: deque[_Batch] = deque()
    try:
        while True:
            while len(under_way) < ahead and (batch := next(batches, None)) is not None:
                under_way.append(_Batch(batch, reading, sleep))
            if not under_way:
                return
            yield await under_way[0].loaded()
            # Not taken from the queue before its end, which a cancellation may interrupt.
            await under_way[0].end()
            under_way.popleft()
    finally:
        # A cancelled scope around the stream would not let their ends be waited for.
        with CancelScope(shield=True):
            for batch in under_way:
                await batch.end()


def _batches(members: Iterable[Member]) -> Iterator[Sequence[Member]]:
    """What can be read from where it lies by the hop, every other member by itself."""
    batch: list[Member] = []
    length = 0
    for member in members:
        own = member.known.length if member.known is not None and _is_small(member) else HOP + 1
        if batch and (length + own > HOP or len(batch) == _FILES_AHOP):
            yield batch
            batch, length = [], 0
        batch.append(member)
        length += own
    if batch:
        yield batch


class _Batch:
    """Members being loaded, in a task of its own. `reading` lets one batch at a time read what lies there.

    More than one thread at it fight for the interpreter after every call, and were measured at twice the time.
    """

    def __init__(self, members: Sequence[Member], reading: CapacityLimiter, sleep: Sleep) -> None:
        self._members = members
        self._reading = reading
        self._sleep = sleep
        self._arrived: list[Arrival] = []
        self._scope = CancelScope()
        self._task = asyncio.create_task(self._load())

    async def loaded(self) -> Sequence[Arrival]:
        # Waited for, not awaited: that would cancel it together with who waits, and lose what a hop has opened.
        await asyncio.wait([self._task])
        self._task.result()
        return self._arrived

    async def end(self) -> None:
        """However far it is: a hop under way is waited for, and what was opened is closed."""
        self._scope.cancel()
        await asyncio.wait([self._task])
        for arrival in self._arrived:
            if isinstance(arrival, Loaded):
                arrival.body.close()

    async def _load(self) -> None:
        with self._scope:
            found: Sequence[Loaded | None] = [None]
            if _is_small(self._members[0]):
                found = await to_thread.run_sync(_read_small, self._members, limiter=self._reading)
            for member, loaded in zip(self._members, found, strict=True):
                self._arrived.append(loaded or await self._load_patiently(member))

    async def _load_patiently(self, member: Member) -> Arrival:
        attempts_left = _ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                return await member.load()
            except ImgsvcError as error:
                if not isinstance(error, Overloaded) or not attempts_left:
                    return error
                pause = min(error.retry_after, _LONGEST_PAUSE)
            await self._sleep(pause)


def _is_small(member: Member) -> bool:
    return member.read is not None and member.known is not None and member.known.length <= SMALL


def _read_small(members: Sequence[Member]) -> Sequence[Loaded | None]:
    """None where it is not what it should be. Blocks."""
    found: list[Loaded | None] = []
    for member in members:
        assert member.read is not None
        assert member.known is not None
        length, checksum = member.known
        data = member.read()
        whole = data is not None and len(data) == length
        found.append(Loaded(Body(length=length, data=data), checksum) if whole else None)
    return found


async def read_part(body: Body, start: int, stop: int) -> bytes:
    """Those bytes, no more than a hop reads. Raises OSError where they are not all there."""
    if body.data is not None:
        found = body.data[start:stop]
    else:
        assert body.file is not None
        found = await to_thread.run_sync(os.pread, body.file.fileno(), stop - start, start)
    if len(found) < stop - start:
        raise OSError(f"a content of {body.length} bytes ended at {start + len(found)}")
    return found
