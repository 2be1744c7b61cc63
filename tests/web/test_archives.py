"""Archives over HTTP: their exact length, resuming, and an end to all work when the client goes."""

import io
import os
import shutil
import socket
import subprocess
import threading
import zipfile
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path
from zlib import crc32

import httpx
import pytest
import uvicorn
from anyio import Event
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from imgsvc.core.errors import StoreFailure
from imgsvc.service.archive import make_archive
from imgsvc.service.delivery import Body
from imgsvc.service.members import Known, Loaded, Member
from imgsvc.web.archives import ArchiveResponse
from tests.fakes import NOON

pytestmark = pytest.mark.anyio

_SECONDS = 30
"""Longest that anything may take."""


def member(name: str, data: bytes, *, is_known: bool = True) -> Member:
    async def load() -> Loaded:
        return Loaded(Body(length=len(data), data=data), crc32(data))

    return Member(name=name, modified=NOON, load=load, known=Known(len(data), crc32(data)) if is_known else None)


async def fail() -> Loaded:
    raise StoreFailure("It cannot be read.")


KNOWN = (member("a.txt", b"content of a"), member("large.bin", os.urandom(3 << 20)), member("z.txt", b"content of z"))
GROWING = (*KNOWN, member("late.txt", b"late", is_known=False))
BROKEN = (*KNOWN, replace(member("b.txt", b"b"), load=fail))


def app_with(archives: Mapping[str, Sequence[Member]]) -> Starlette:
    """Each archive at its name."""

    async def answer(request: Request) -> Response:
        await request.body()
        return ArchiveResponse(await make_archive(archives[request.path_params["name"]]), filename="shirts.zip")

    return Starlette(routes=[Route("/{name}", answer, methods=["GET", "POST"])])


APP = app_with({"known": KNOWN, "growing": GROWING, "broken": BROKEN})


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://imgsvc") as client:
        yield client


@contextmanager
def serving(app: Starlette) -> Generator[int]:
    """On a port of its own, which answers at once: whoever connects early waits in the socket's queue."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_level="critical"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(_SECONDS)


def names_in(archive: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert read.testzip() is None
        return read.namelist()


class TestAKnownArchive:
    async def test_tells_its_exact_length(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/known")

        assert answer.status_code == 200
        assert names_in(answer.content) == ["a.txt", "large.bin", "z.txt"]
        assert int(answer.headers["content-length"]) == len(answer.content)

    async def test_is_a_file_to_be_saved_and_not_to_be_cached(self, client: httpx.AsyncClient) -> None:
        headers = (await client.get("/known")).headers

        assert headers["content-type"] == "application/zip"
        assert headers["content-disposition"] == 'attachment; filename="shirts.zip"'
        assert headers["cache-control"] == "no-store"
        assert headers["accept-ranges"] == "bytes"

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_can_be_resumed(self, client: httpx.AsyncClient, method: str) -> None:
        """With the method it was begun with."""
        whole = await client.request(method, "/known")
        length = len(whole.content)

        rest = await client.request(
            method, "/known", headers={"range": "bytes=1000000-", "if-range": whole.headers["etag"]}
        )

        assert rest.status_code == 206
        assert rest.headers["content-range"] == f"bytes 1000000-{length - 1}/{length}"
        assert rest.content == whole.content[1_000_000:]

    @pytest.mark.parametrize("if_range", ['"another"', "Sun, 01 Mar 2026 12:00:00 GMT", "W/{}"])
    async def test_is_sent_whole_where_it_may_be_another(self, client: httpx.AsyncClient, if_range: str) -> None:
        """Only its own strong ETag says that it is not."""
        whole = await client.get("/known")

        answer = await client.get(
            "/known", headers={"range": "bytes=10-", "if-range": if_range.format(whole.headers["etag"])}
        )

        assert answer.status_code == 200
        assert answer.content == whole.content

    async def test_has_nothing_behind_its_end(self, client: httpx.AsyncClient) -> None:
        length = int((await client.head("/known")).headers["content-length"])

        answer = await client.get("/known", headers={"range": f"bytes={length}-"})

        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{length}"
        assert answer.content == b""

    async def test_has_a_head_that_loads_nothing(self) -> None:
        app = app_with({"broken": BROKEN})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://imgsvc") as client:
            answer = await client.head("/broken")

        assert answer.status_code == 200
        assert int(answer.headers["content-length"]) > 3 << 20
        assert answer.content == b""

    @pytest.mark.parametrize(("method", "status"), [("GET", 304), ("HEAD", 304), ("POST", 200)])
    async def test_is_not_sent_again_to_who_has_it(self, client: httpx.AsyncClient, method: str, status: int) -> None:
        """Who posts wants an answer."""
        etag = (await client.head("/known")).headers["etag"]

        answer = await client.request(method, "/known", headers={"if-none-match": f'"other", W/{etag}'})

        assert answer.status_code == status
        assert answer.headers["etag"] == etag

    @pytest.mark.parametrize(
        "other",
        [
            (KNOWN[0], KNOWN[1]),
            (KNOWN[1], KNOWN[0], KNOWN[2]),
            (replace(KNOWN[0], name="b.txt"), *KNOWN[1:]),
            (replace(KNOWN[0], modified=NOON + timedelta(seconds=1)), *KNOWN[1:]),
            (member("a.txt", b"Content of a"), *KNOWN[1:]),
        ],
        ids=["fewer", "order", "name", "time", "content"],
    )
    async def test_has_an_etag_of_all_that_is_in_it(self, client: httpx.AsyncClient, other: Sequence[Member]) -> None:
        app = app_with({"same": KNOWN, "other": other})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://imgsvc") as another:
            etags = [(await another.head(path)).headers["etag"] for path in ("/same", "/other")]

        assert etags[0] == (await client.head("/known")).headers["etag"]
        assert etags[1] != etags[0]

    def test_curl_resumes_it(self, tmp_path: Path) -> None:
        """`--continue-at -` gives the file in one piece. With POST it means an upload to curl: the header is given."""
        curl = shutil.which("curl")
        if curl is None:
            pytest.skip("curl is not installed (apt-get install curl)")
        saved = tmp_path / "saved.zip"
        with serving(APP) as port:
            url = f"http://127.0.0.1:{port}/known"
            whole = httpx.get(url).content
            saved.write_bytes(whole[:1_500_000])
            quietly = (curl, "--silent", "--fail")
            subprocess.run([*quietly, "--continue-at", "-", "--output", saved, url], check=True, timeout=_SECONDS)
            posted = subprocess.run(
                [*quietly, "--data", "[]", "--header", "Range: bytes=1500000-", url],
                check=True,
                timeout=_SECONDS,
                capture_output=True,
            )

        assert saved.read_bytes() == whole
        assert posted.stdout == whole[1_500_000:]

    def test_breaks_off_where_it_cannot_keep_its_promise(self) -> None:
        """The client sees fewer bytes than it was told."""
        with serving(APP) as port:
            connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
            connection.request("GET", "/broken")
            with pytest.raises(IncompleteRead):
                connection.getresponse().read()
            connection.close()

    async def test_breaks_off_with_the_failure_itself(self) -> None:
        """No group around it."""

        async def receive() -> Message:
            await Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            pass

        answer = ArchiveResponse(await make_archive(BROKEN))
        with pytest.raises(OSError, match="could not be loaded"):
            await answer({"type": "http", "method": "GET", "headers": []}, receive, send)


class TestAGrowingArchive:
    async def test_is_as_long_as_it_becomes(self, client: httpx.AsyncClient) -> None:
        """No length, no ETag, nothing to resume."""
        answer = await client.get("/growing", headers={"range": "bytes=10-", "if-none-match": "*"})

        assert answer.status_code == 200
        assert names_in(answer.content) == ["a.txt", "large.bin", "z.txt", "late.txt"]
        assert not {"content-length", "etag", "accept-ranges"} & set(answer.headers)

    async def test_has_a_head(self, client: httpx.AsyncClient) -> None:
        answer = await client.head("/growing")

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/zip"
        assert answer.content == b""

    def test_ends_properly_over_the_wire(self) -> None:
        with serving(APP) as port:
            answer = httpx.post(f"http://127.0.0.1:{port}/growing", timeout=_SECONDS)

        assert answer.headers["transfer-encoding"] == "chunked"
        assert names_in(answer.content) == ["a.txt", "large.bin", "z.txt", "late.txt"]


class TestAClientThatLeaves:
    @pytest.mark.parametrize("is_known", [True, False])
    def test_ends_what_is_under_way_for_it(self, is_known: bool) -> None:
        """Though nothing is being sent that could fail."""
        is_loading, ended = threading.Event(), threading.Event()

        async def load() -> Loaded:
            is_loading.set()
            try:
                await Event().wait()
            finally:
                ended.set()
            raise AssertionError

        app = app_with({"waiting": [replace(member("b.txt", b"b", is_known=is_known), load=load)]})
        with serving(app) as port:
            connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
            connection.request("POST", "/waiting", body=b"[]")
            assert connection.getresponse().status == 200
            assert is_loading.wait(_SECONDS)
            assert not ended.is_set()
            connection.close()

            assert ended.wait(_SECONDS)

    def test_while_it_is_slow_to_take_what_is_sent(self) -> None:
        """What was held for it is let go."""
        ended = threading.Event()
        data = bytes(64 << 20)

        class Ending(Body):
            def close(self) -> None:
                ended.set()

        async def load() -> Loaded:
            return Loaded(Ending(length=len(data), data=data), 0)

        app = app_with({"large": [replace(member("large.bin", b"", is_known=False), load=load)]})
        with serving(app) as port:
            connection = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
            connection.request("GET", "/large")
            assert connection.getresponse().read(1000)
            assert not ended.is_set()
            connection.close()

            assert ended.wait(_SECONDS)
