"""The Renderer that server processes use: one connection to the broker, made again when the broker was."""

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import RenderCrashed, RenderTimeout, ServiceError
from imgsvc.core.formats import Format
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Plan
from imgsvc.core.purges import Purged
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.render.messages import (
    Answer,
    Asked,
    Drop,
    Dropped,
    Failed,
    Forget,
    Forgotten,
    Found,
    Labelled,
    Look,
    Prepare,
    Probe,
    Probed,
    Question,
    Search,
    Seen,
    Told,
    Used,
    Wanted,
    error_from_failed,
    frame,
    read_frame,
)

_CONNECT_SECONDS = 5.0
_CONNECT_PAUSE = 0.05
_RECOVERY_SECONDS = 10.0
_USES_SECONDS = 5.0
_USES = 50_000
"""Keys remembered until they are told; who is in use all the time is told of the next time."""

_LOOKS = 500
"""Keys looked up at once, so that renders asked for meanwhile are not kept waiting."""


class BrokerClient:
    """`deadline`: seconds after which an answer is no longer waited for, queueing included."""

    def __init__(self, socket: Path, *, limits: Limits, deadline: float) -> None:
        self._socket = socket
        self._limits = limits
        self._deadline = deadline
        self._numbers = itertools.count()
        self._pending: dict[int, asyncio.Future[Told | Failed]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._used: set[VariantKey] = set()
        self._telling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._telling = asyncio.create_task(self._tell_uses())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        for task in (self._telling, self._listener):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def probe(self, path: Path, source: Format) -> ImageInfo:
        answer = await self._ask(Probe(path=str(path.absolute()), source=source, limits=self._limits))
        assert isinstance(answer, Probed)
        return answer.info

    async def render(
        self,
        key: VariantKey,
        original: Path,
        info: ImageInfo,
        plan: Plan,
        *,
        distrust: bool = False,
        final: bool = False,
        client: str = "",
        label: str = "",
    ) -> Derivative:
        wanted = Wanted(
            key=key,
            path=str(original.absolute()),
            info=info,
            plan=plan,
            distrust=distrust,
            final=final,
            client=client,
            label=label,
        )
        answer = await self._ask(wanted)
        assert isinstance(answer, Found)
        return answer.derivative

    async def prepare(self, original: Path, info: ImageInfo) -> None:
        await self._ask(Prepare(path=str(original.absolute()), info=info))

    async def find(self, keys: Sequence[VariantKey]) -> list[Derivative | None]:
        found: list[Derivative | None] = []
        for start in range(0, len(keys), _LOOKS):
            answer = await self._ask(Look(keys=list(keys[start : start + _LOOKS])))
            assert isinstance(answer, Seen)
            found += answer.derivatives
        return found

    async def forget(self, original: Path) -> int:
        answer = await self._ask(Forget(path=str(original.absolute())))
        assert isinstance(answer, Forgotten)
        return answer.derivatives

    async def purge(self, originals: Sequence[Path], keys: Sequence[VariantKey], *, soft: bool) -> Purged:
        paths = [str(original.absolute()) for original in originals]
        answer = await self._ask(Drop(paths=paths, keys=list(keys), soft=soft))
        assert isinstance(answer, Dropped)
        return answer.purged

    async def labelled(self, label: str, *, after: VariantKey | None) -> Sequence[VariantKey]:
        answer = await self._ask(Search(label=label, after=after))
        assert isinstance(answer, Labelled)
        return answer.keys

    def note_use(self, key: VariantKey) -> None:
        """Its bytes were answered without asking the broker, who is told some seconds later. From any thread."""
        if len(self._used) < _USES:
            self._used.add(key)

    async def _tell_uses(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(_USES_SECONDS)
            used, self._used = list(self._used), set()
            with contextlib.suppress(ServiceError):
                for start in range(0, len(used), _LOOKS):
                    await self._ask(Used(keys=used[start : start + _LOOKS]))

    async def is_reachable(self) -> bool:
        try:
            await self._connect(seconds=0.5)
        except RenderCrashed:
            return False
        return True

    async def _ask(self, body: Asked) -> Told:
        """A broker that dies meanwhile is asked again when it is back; what it had rendered is not lost."""
        loop = asyncio.get_running_loop()
        given_up = loop.time() + self._deadline
        while loop.time() < given_up:
            writer = await self._connect(seconds=_CONNECT_SECONDS)
            number = next(self._numbers)
            answered: asyncio.Future[Told | Failed] = asyncio.get_running_loop().create_future()
            self._pending[number] = answered
            try:
                writer.write(frame(Question(number=number, body=body)))
                async with asyncio.timeout(self._deadline):
                    answer = await answered
            except ConnectionError:
                # A dying broker may take another connection or two.
                given_up = min(given_up, loop.time() + _RECOVERY_SECONDS)
                await asyncio.sleep(_CONNECT_PAUSE)
                continue
            except TimeoutError:
                raise RenderTimeout("The renderer did not answer in time.") from None
            finally:
                self._pending.pop(number, None)
            if isinstance(answer, Failed):
                raise error_from_failed(answer)
            return answer
        raise RenderCrashed("The renderer was lost while the picture was made.")

    async def _connect(self, *, seconds: float) -> asyncio.StreamWriter:
        """However many wait for it: in their turn each would wait for all before him."""
        try:
            async with asyncio.timeout(seconds), self._connecting:
                if self._writer is None or self._writer.is_closing():
                    reader, self._writer = await self._open()
                    self._listener = asyncio.create_task(self._listen(reader, self._writer))
                return self._writer
        except TimeoutError:
            raise RenderCrashed("The renderer is not there at the moment.") from None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            try:
                return await asyncio.open_unix_connection(self._socket)
            except OSError:
                await asyncio.sleep(_CONNECT_PAUSE)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = msgspec.msgpack.Decoder(Answer)
        try:
            while True:
                answer = decoder.decode(await read_frame(reader))
                waiting = self._pending.get(answer.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer.body)
        except (asyncio.IncompleteReadError, OSError, msgspec.DecodeError):
            # Whoever waits asks again, over another connection.
            pass
        finally:
            writer.close()
            for waiting in self._pending.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionResetError())
