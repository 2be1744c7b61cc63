"""Files that are sent by whoever is in front: what they are told, and when bytes are sent all the same."""

from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from time import perf_counter

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.core.variant import VariantKey
from imgsvc.service.delivery import Body
from imgsvc.web.acceleration import Accelerated
from imgsvc.web.responses import PictureHead, PictureResponse

pytestmark = pytest.mark.anyio

DATA = bytes(range(256)) * 10


@dataclass
class Files:
    """One file below `folder`, at every URL; `small` as bytes that were read already."""

    folder: Path
    small: bool = False

    @property
    def path(self) -> Path:
        return self.folder / "derivatives" / "ab" / "picture.webp"

    async def load(self) -> Body:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(DATA)
        if self.small:
            return Body(length=len(DATA), data=DATA)
        return Body(length=len(DATA), file=FileIO(self.path))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = PictureHead(
            key=VariantKey("ab" * 16), media_type="image/webp", modified=None, cache_control="public, max-age=300"
        )
        await PictureResponse(head, self.load, is_current=lambda: True, started=perf_counter())(scope, receive, send)


async def ask(app: ASGIApp, method: str = "GET", **headers: str) -> httpx.Response:
    """Header names with `_` for `-`; what is in front says what it can do."""
    given = {"x_sendfile_type": "X-Accel-Redirect", **headers}
    sent = {name.replace("_", "-"): value for name, value in given.items()}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://imgsvc") as client:
        return await client.request(method, "/", headers=sent)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def app(files: Files, tmp_path: Path) -> ASGIApp:
    return Accelerated(files, folder=tmp_path, location="/_imgsvc/")


@pytest.mark.parametrize("ranges", [{}, {"range": "bytes=5-9"}, {"range": "bytes=-5"}])
async def test_a_file_is_told_by_its_name(app: ASGIApp, ranges: dict[str, str]) -> None:
    """In whole and in part: who sends it cuts ranges out. All that is not of the body is said."""
    answer = await ask(app, **ranges)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-accel-redirect"] == "/_imgsvc/derivatives/ab/picture.webp"
    assert answer.headers["etag"] == f'"{"ab" * 16}"'
    assert answer.headers["content-type"] == "image/webp"
    assert (answer.headers["content-length"], answer.headers.get("accept-ranges")) == ("0", None)


@pytest.mark.parametrize(
    "headers", [{"if_match": f'"{"ab" * 16}"'}, {"if_unmodified_since": "Mon, 23 Nov 2026 00:00:00 GMT"}]
)
async def test_what_nginx_would_judge_amiss_is_sent_here(app: ASGIApp, headers: dict[str, str]) -> None:
    answer = await ask(app, **headers)

    assert (answer.status_code, answer.content) == (200, DATA)
    assert "x-accel-redirect" not in answer.headers


@pytest.mark.parametrize("offer", ["", "X-Sendfile", "X-Accel-Redirect, X-Sendfile"])
async def test_who_cannot_send_it_is_sent_bytes(app: ASGIApp, offer: str) -> None:
    answer = await ask(app, x_sendfile_type=offer)

    assert answer.content == DATA


async def test_a_file_elsewhere_is_sent_here(files: Files, tmp_path: Path) -> None:
    """nginx has no name for it."""
    app = Accelerated(files, folder=tmp_path / "deriv", location="/_imgsvc/")

    answer = await ask(app)

    assert answer.content == DATA


async def test_what_was_read_already_is_sent_here(files: Files, app: ASGIApp) -> None:
    files.small = True

    answer = await ask(app)

    assert answer.content == DATA
    assert answer.headers["content-length"] == str(len(DATA))


async def test_a_head_has_the_files_own_length(app: ASGIApp) -> None:
    answer = await ask(app, method="HEAD")

    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(DATA)))


async def test_what_is_not_in_the_file_is_refused_here(app: ASGIApp) -> None:
    """416: nobody is told to send anything."""
    answer = await ask(app, range="bytes=9999-")

    assert answer.status_code == 416
    assert "x-accel-redirect" not in answer.headers


async def test_a_server_that_sends_paths_is_given_whole_files_alone(files: Files) -> None:
    """ASGI's path send knows no ranges."""

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        await files({**scope, "extensions": {"http.response.pathsend": {}}}, receive, send)

    part = await ask(server, range="bytes=5-9")

    assert (part.status_code, part.content) == (206, DATA[5:10])
