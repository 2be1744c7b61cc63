"""The processes of `imgsvc serve`. This one watches over all others and does nothing else.

    imgsvc serve ─┬─ broker ─── render workers
                  └─ server processes, each with a listening socket of its own at the one address

Whoever dies is started again. When this one dies, however that happens, all others do.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog

from imgsvc.settings import Settings, url_of, variable_name
from imgsvc.telemetry import wipe_metrics

_log = structlog.get_logger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_STEADY_SECONDS = 10.0
_GRACE_SECONDS = 15.0


class AlreadyServed(Exception):
    """Another `imgsvc serve` holds this data folder."""


async def supervise(settings: Settings, *, metrics: Path) -> None:
    """Until SIGINT or SIGTERM; requests under way are answered first. Raises AlreadyServed, OSError (the address)."""
    with _only_one(settings), _listening(settings.host, settings.port, settings.workers) as listeners:
        wipe_metrics(metrics)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        broker = _Watched("broker", ["broker"])
        servers = [_Watched("server", *_server_process(listeners, number)) for number in range(settings.workers)]
        async with asyncio.TaskGroup() as group:
            for watched in (broker, *servers):
                group.create_task(watched.keep_alive())
            _log.info(
                "serving",
                url=url_of(*listeners[0].getsockname()[:2]),
                data=str(settings.data),
                workers=settings.workers,
            )
            await stop.wait()
            _log.info("stopping")
            await asyncio.gather(*(server.stop() for server in servers))
            await broker.stop()


class _Watched:
    """One child process, `imgsvc` with these arguments."""

    def __init__(self, role: str, arguments: Sequence[str], fds: Sequence[int] = ()) -> None:
        self._role = role
        self._arguments = arguments
        self._fds = fds
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def keep_alive(self) -> None:
        """Until `stop`. The pause before a new start doubles while starts fail at once."""
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            started = asyncio.get_running_loop().time()
            status = await self._run()
            if self._stopping.is_set():
                return
            steady = asyncio.get_running_loop().time() - started > _STEADY_SECONDS
            pause = _FIRST_PAUSE if steady else min(pause * 2, _LONGEST_PAUSE)
            _log.error("process.died", role=self._role, status=status, restarted_in=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _run(self) -> int | str:
        """To its end: its status, or why it could not be started, for want of memory or descriptors, say."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "imgsvc",
                *self._arguments,
                "--parent",
                str(os.getpid()),
                pass_fds=self._fds,
                # So that Ctrl-C in a terminal reaches this process alone, which ends them in order.
                start_new_session=True,
            )
        except OSError as error:
            return str(error)
        if self._stopping.is_set():
            self._process.terminate()
        return await self._process.wait()

    async def stop(self) -> None:
        self._stopping.set()
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _GRACE_SECONDS)
        except TimeoutError:
            self._process.kill()


@contextmanager
def _only_one(settings: Settings) -> Generator[None]:
    """Two brokers over one cache would evict each other's files."""
    settings.run.mkdir(parents=True, exist_ok=True)
    lock = os.open(settings.run / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyServed(
            f"Another imgsvc serves {settings.data} already; set {variable_name('data')} to another folder."
        ) from None
    else:
        yield
    finally:
        os.close(lock)


@contextmanager
def _listening(host: str, port: int, count: int) -> Generator[Sequence[socket.socket]]:
    """So many at one address. The first has it for itself alone before others may join: nobody else's service can."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket(family, kind, protocol)) for _ in range(count)]
        for listener in listeners:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if listener is not listeners[0]:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            if listener is listeners[0] and count > 1:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                address = listener.getsockname()
            listener.listen(2048)
        yield listeners


def _server_process(listeners: Sequence[socket.socket], number: int) -> tuple[Sequence[str], Sequence[int]]:
    """Its arguments and what it inherits. All hold all sockets, so that what waits at a dead one's is not lost."""
    fds = [listener.fileno() for listener in listeners]
    own_first = fds[number:] + fds[:number]
    return ["server-process", *(word for fd in own_first for word in ("--fd", str(fd)))], fds
