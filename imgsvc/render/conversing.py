"""How the broker is spoken to: connections on a Unix socket, questions answered as their answers come."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog

from imgsvc.core.errors import ImgsvcError, RenderCrashed
from imgsvc.render.messages import Answer, Asked, Failed, Question, Told, failed_from_error, frame, read_frame

_log = structlog.get_logger(__name__)

Reply = Callable[[Asked], Awaitable[Told]]
"""Raises ImgsvcError, which is told."""


async def listen(socket: Path, reply: Reply) -> asyncio.Server:
    """For this user alone. Whoever left a socket there before has gone. Who asked closes it."""
    with contextlib.suppress(FileNotFoundError):
        socket.unlink()
    conversations = _Conversations(reply)
    # Nobody may connect between bind and chmod.
    mask = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(conversations.converse, path=socket)
    finally:
        os.umask(mask)


class _Conversations:
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._tasks: set[asyncio.Task[None]] = set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
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
        body = await self._caught(question.body)
        with contextlib.suppress(ConnectionError):
            writer.write(frame(Answer(number=question.number, body=body)))
            await writer.drain()

    async def _caught(self, asked: Asked) -> Told | Failed:
        try:
            return await self._reply(asked)
        except ImgsvcError as error:
            return failed_from_error(error)
        except Exception:
            _log.exception("broker.failed")
            return failed_from_error(RenderCrashed("Rendering failed."))
