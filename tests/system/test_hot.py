"""Hits of two server processes: never stale, dealt out, and not lost with a neighbour that dies."""

import os
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, environment, poll, resident_bytes, serving

WIDTHS = range(10, 61)
HEIGHT = 8
PERMITTED = {"Authorization": f"Bearer {TOKEN}"}

_DYING_IN_BETWEEN = """
import os, signal
from imgsvc.cli import main
from imgsvc.coordination.local import Generation

Generation.tell = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main()
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(tmp_path_factory.mktemp("hot") / "data", workers=2, render_workers="1") as service:
        yield service


@dataclass(frozen=True, slots=True)
class Shown:
    """The picture's width tells which it was; `asked` on the clock that replacements are acknowledged by."""

    asked: float
    width: int


@dataclass
class Reader:
    """Asks for one URL again and again over one connection, as browsers do: with the tag of what it has."""

    connection: HTTPConnection
    path: str
    shown: list[Shown] = field(default_factory=list[Shown])
    confirmed: int = 0

    def read(self, stop: threading.Event) -> None:
        etag, width = "", 0
        for turn in count():
            if stop.is_set():
                return
            headers = {"If-None-Match": etag} if turn % 2 else {}
            asked = time.monotonic()
            status, data, tag = ask(self.connection, self.path, **headers)
            assert status in (200, 304)
            if status == 200:
                etag, width = tag, png_width(data)
            else:
                self.confirmed += 1
            self.shown.append(Shown(asked, width))


def test_what_was_replaced_is_never_answered_again(own: Service) -> None:
    """Fifty replacements, through one process or the other, while both answer from memory as fast as they can: whoever
    asks after one was acknowledged gets it, or is told that what he has is it."""
    guid = own.add(originals.png(WIDTHS[0], HEIGHT))
    path, data_path = f"/images/{guid}.png?maxWidth=4000", f"/assets/{serial_of(own, guid)}/data"
    acknowledged = {WIDTHS[0]: time.monotonic()}
    with own.connections_to_every_process(each=3) as dealt:
        readers = [Reader(one, path) for connections in dealt.values() for one in connections[:2]]
        writers = [connections[2] for connections in dealt.values()]
        with reading(readers):
            for width in WIDTHS[1:]:
                upload(writers[width % 2], "PUT", data_path, originals.png(width, HEIGHT), "a.png")
                acknowledged[width] = time.monotonic()

    stale = [
        (shown, width)
        for reader in readers
        for shown in reader.shown
        for width in WIDTHS
        if width > shown.width and acknowledged[width] <= shown.asked
    ]
    assert stale == []
    assert all(len({shown.width for shown in reader.shown}) > len(WIDTHS) // 4 for reader in readers)
    assert sum(reader.confirmed for reader in readers) > 0


def test_a_change_that_nobody_lived_to_tell_is_seen(own: Service, tmp_path: Path) -> None:
    """By every process that has the old picture in memory: the catalogue knows of it."""
    (tmp_path / "after.png").write_bytes(originals.png(WIDTHS[-1], HEIGHT))
    guid = own.add(originals.png(WIDTHS[0], HEIGHT))
    path = f"/images/{guid}.png?maxWidth=4000"
    with own.connections_to_every_process() as dealt:
        each = [connections[0] for connections in dealt.values()]
        for connection in each * 3:
            assert png_width(ask(connection, path)[1]) == WIDTHS[0]

        died = subprocess.run(
            [sys.executable, "-c", _DYING_IN_BETWEEN, "replace", guid, str(tmp_path / "after.png")],
            env=environment(own.data, own.settings),
            check=False,
        )

        assert died.returncode == -signal.SIGKILL
        poll(lambda: {png_width(ask(one, path)[1]) for one in each} == {WIDTHS[-1]}, for_what="the other picture")


def test_what_is_asked_for_again_needs_no_file(own: Service) -> None:
    """From memory; deleting the asset ends that at once, in every process."""
    guid = own.add(originals.png())
    path = f"/images/{guid}.png?width=60"
    with own.connections_to_every_process() as dealt:
        each = [connections[0] for connections in dealt.values()]
        for connection in each * 4:
            assert ask(connection, path)[0] == 200
        for file in (own.data / "derivatives").glob("??/??/*"):
            file.unlink()
        before = own.renders()

        again = [ask(connection, path) for connection in each]
        renders = own.renders()
        deleted = own.client.delete(f"/struct/assets/{serial_of(own, guid)}", headers=PERMITTED)
        gone = [ask(connection, path)[0] for connection in each]

    assert deleted.is_success
    assert gone == [404, 404]
    assert [status for status, _, _ in again] == [200, 200]
    assert len({data for _, data, _ in again}) == 1
    assert renders == before


def test_all_answers_are_counted(own: Service) -> None:
    """Each process counts for itself and tells a second later at most; durations as many as answers."""
    path = f"{own.media_path(own.add(originals.png()))}?width=30"
    with own.connections_to_every_process() as dealt:
        for connections in dealt.values():
            ask(connections[0], path)
        requests, durations = settled(lambda: counted(own, "media"))
        for connections in dealt.values():
            for _ in range(20):
                ask(connections[0], path)

    poll(lambda: counted(own, "media") == (requests + 40, durations + 40), for_what="both processes to tell")


def test_one_that_is_killed_takes_no_other_with_it(own: Service) -> None:
    """Only those who are connected to it have to connect again; others, and who comes meanwhile, notice nothing."""
    path = f"/images/{own.add(originals.png())}.png?width=40"
    with own.connections_to_every_process(each=3) as dealt, ThreadPoolExecutor(8) as threads:
        (victim, _), (_, safe) = dealt.items()
        stop = threading.Event()
        staying = [threads.submit(ask_until, lambda c=c: ask(c, path), stop) for c in safe]
        os.kill(victim, signal.SIGKILL)
        coming = [threads.submit(ask_until, lambda: ask_anew(own, path), stop) for _ in range(2)]
        poll(lambda: victim not in own.servers() and len(own.servers()) == 2, for_what="another in its place")
        with own.connections_to_every_process():
            stop.set()

        answers = [status for asked in (*staying, *coming) for status in asked.result(60)]
        lost = dealt[victim][0]

        with pytest.raises((HTTPException, OSError)):
            ask(lost, path)
    assert set(answers) == {200}
    assert len(answers) > len(staying) + len(coming)


def test_connections_that_come_together_are_dealt_out(own: Service) -> None:
    """A process that took all of them would leave the other cores idle. One in ten million runs fails by chance."""
    with ExitStack() as stack:
        connections = [own.connect() for _ in range(64)]
        for connection in connections:
            stack.callback(connection.close)
        taken = [poll(lambda c=c: own.process_of(c), for_what="it to be taken") for c in connections]

    assert min(taken.count(pid) for pid in own.servers()) >= 10


def test_who_comes_to_one_that_does_not_answer_is_taken_in(own: Service) -> None:
    """The kernel deals connections to a process that is stopped as to any other; its neighbour looks after them."""
    path = f"/images/{own.add(originals.png())}.png?width=40"
    ask_anew(own, path)
    stopped = own.servers()[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        statuses = [ask_anew(own, path)[0] for _ in range(12)]
    finally:
        os.kill(stopped, signal.SIGCONT)

    assert statuses == [200] * 12


def test_who_reads_slowly_fills_no_memory(own: Service) -> None:
    """200 MB for each of eight who read nothing: what the server holds for them is a chunk or two."""
    document = originals.pdf() + bytes(200 << 20)
    with own.connections_to_every_process(each=5) as dealt:
        spare = [connections[4] for connections in dealt.values()]
        path = f"/media/{add_document(own, spare[0], document)}/large.pdf"
        before = {pid: resident_bytes(pid, peak=True) for pid in dealt}
        for connections in dealt.values():
            for connection in connections[:4]:
                connection.request("GET", path)
                answer = connection.getresponse()
                assert (answer.status, len(answer.read(1000))) == (200, 1000)
        for connection in spare * 50:
            ask(connection, "/readyz")
        grown = [resident_bytes(pid, peak=True) - before[pid] for pid in dealt]

    assert max(grown) < 40 << 20


def ask(connection: HTTPConnection, path: str, **headers: str) -> tuple[int, bytes, str]:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers["etag"] or ""


def ask_anew(service: Service, path: str) -> tuple[int, bytes, str]:
    connection = service.connect()
    try:
        return ask(connection, path)
    finally:
        connection.close()


def ask_until(ask: Callable[[], tuple[int, bytes, str]], stop: threading.Event) -> list[int]:
    """The statuses that came; once at least."""
    statuses = [ask()[0]]
    while not stop.is_set():
        statuses.append(ask()[0])
    return statuses


@contextmanager
def reading(readers: list[Reader]) -> Generator[None]:
    """All have been answered once, and read until the block ends."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(readers)) as threads:
        running: list[Future[None]] = [threads.submit(reader.read, stop) for reader in readers]
        try:
            poll(lambda: all(reader.shown for reader in readers), for_what="everybody's first answer")
            yield
        finally:
            stop.set()
        for one in running:
            one.result(60)


def upload(connection: HTTPConnection, method: str, path: str, data: bytes, name: str) -> bytes:
    """Through Struct's API, over that connection; acknowledged when it returns."""
    request = httpx.Request(method, "http://imgsvc", files={"uploadedFile": (name, data)}, headers=PERMITTED)
    connection.request(method, f"/struct{path}", body=request.read(), headers=dict(request.headers))
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status in (200, 204), said
    return said


def add_document(service: Service, connection: HTTPConnection, data: bytes) -> str:
    """Its slug."""
    upload(connection, "POST", "/assets", data, "large.pdf")
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        return catalog.execute("SELECT slug FROM assets ORDER BY serial DESC LIMIT 1").fetchone()[0]


def png_width(data: bytes) -> int:
    """Of IHDR (PNG, section 11.2.2)."""
    return struct.unpack(">I", data[16:20])[0]


def serial_of(service: Service, guid: str) -> int:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        return catalog.execute("SELECT serial FROM assets WHERE id = ?", (guid,)).fetchone()[0]


def settled(look: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """What it is when it has been the same for longer than a process keeps it to itself."""
    known, since = look(), time.monotonic()

    def is_settled() -> bool:
        nonlocal known, since
        now = look()
        if now != known:
            known, since = now, time.monotonic()
        return time.monotonic() - since > 1.5

    poll(is_settled, for_what="counts to stand still")
    return known


def counted(service: Service, route: str) -> tuple[float, float]:
    return (
        service.metric("imgsvc_requests_total", route=route),
        service.metric("imgsvc_request_seconds_count", route=route),
    )
