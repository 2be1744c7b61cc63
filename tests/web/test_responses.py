"""Pictures as answers: what is provisional says so in every header, and is never taken for what it stands in for."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from zlib import crc32

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, VariantKey, provisional_key
from imgsvc.service.delivery import Body
from imgsvc.web.caching import Lifetimes, UrlClass, cache_control
from imgsvc.web.conditional import http_date
from imgsvc.web.responses import PictureHead, PictureResponse
from tests.fakes import NOON
from tests.web.test_ranges import read_parts

pytestmark = pytest.mark.anyio

KEY = VariantKey("ab" * 16)
FINAL, STAND_IN = b"the rendition itself", b"what stands in for it"
CANONICAL = cache_control(UrlClass.CANONICAL, Lifetimes(max_age=300))


@dataclass
class Shelf:
    """What is answered at every URL. `loaded`: how often it was asked for; `file` where it is to be streamed.

    `asked`: as of a Body. `varies`: it is negotiated; `instead`: the format of what is not final.
    """

    final: bool = True
    final_data: bytes = FINAL
    asked: bool = False
    varies: bool = False
    current: bool = True
    instead: Format = Format.WEBP
    file: Path | None = None
    loaded: int = 0
    bodies: list[Body] = field(default_factory=list[Body])

    @property
    def data(self) -> bytes:
        return self.final_data if self.final else STAND_IN

    async def load(self) -> Body:
        self.loaded += 1
        data = self.data
        derivative = Derivative(
            key=KEY if self.final else provisional_key(KEY),
            format=Format.WEBP if self.final else self.instead,
            length=len(data),
            crc32=crc32(data),
            size=Size(30, 20),
        )
        if self.file is None:
            body = Body(length=len(data), data=data, derivative=derivative, asked=self.asked)
        else:
            self.file.write_bytes(data)
            file = self.file.open("rb", buffering=0)
            body = Body(length=len(data), file=file, derivative=derivative, asked=self.asked)
        self.bodies.append(body)
        return body

    async def answer(self, request: Request) -> Response:
        head = PictureHead(
            key=KEY,
            media_type="image/webp",
            modified=NOON,
            cache_control=CANONICAL,
            disposition='attachment; filename="a.webp"',
            varies=self.varies,
        )
        return PictureResponse(head, self.load, is_current=lambda: self.current, started=perf_counter())

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[httpx.AsyncClient]:
        app = Starlette(routes=[Route("/", self.answer, methods=["GET"])])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://imgsvc") as client:
            yield client

    async def get(self, method: str = "GET", **headers: str) -> httpx.Response:
        """Header names with `_` for `-`."""
        async with self.client() as client:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, "/", headers=given)


@pytest.fixture(params=["small", "streamed"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    return Shelf(file=tmp_path / "file" if request.param == "streamed" else None)


async def test_a_final_answer_names_its_variant(shelf: Shelf) -> None:
    answer = await shelf.get()

    assert (answer.status_code, answer.content) == (200, FINAL)
    assert answer.headers["etag"] == f'"{KEY}"'
    assert answer.headers["cache-control"] == CANONICAL
    assert answer.headers["last-modified"] == http_date(NOON)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_provisional_answer_names_itself(shelf: Shelf, method: str) -> None:
    """Its own tag, kept for seconds, without a date; all else is as it will be."""
    shelf.final = False
    answer = await shelf.get(method)
    shelf.final = True
    final = await shelf.get(method)

    assert answer.content == (STAND_IN if method == "GET" else b"")
    assert answer.headers["etag"] == f'"{provisional_key(KEY)}"'
    assert answer.headers["cache-control"] == "public, max-age=10"
    assert "last-modified" not in answer.headers
    assert answer.headers["content-length"] == str(len(STAND_IN))
    same = ("content-type", "content-disposition", "accept-ranges", "access-control-allow-origin")
    assert [answer.headers[name] for name in same] == [final.headers[name] for name in same]


async def test_each_file_is_closed(shelf: Shelf) -> None:
    """Whatever of it was sent."""
    for shelf.final in (True, False):
        for headers in ({}, {"Range": "bytes=2-4"}, {"Range": "bytes=900-"}):
            await shelf.get(**headers)
        await shelf.get("HEAD")

    assert len(shelf.bodies) == 8
    assert all(body.file is None or body.file.closed for body in shelf.bodies)


async def test_the_final_tag_is_right_before_the_rendition_is_made(shelf: Shelf) -> None:
    """Equal keys, equal bytes: who has them need not wait; nothing is loaded."""
    shelf.final = False

    answer = await shelf.get(If_None_Match=f'"{KEY}"')

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == f'"{KEY}"'
    assert answer.headers["cache-control"] == CANONICAL
    assert shelf.loaded == 0


@pytest.mark.parametrize("final", [True, False])
async def test_the_provisional_tag_matches_nothing_for_ever(shelf: Shelf, final: bool) -> None:
    """Who has it is given whatever there is now; a date beside the tag has no say (RFC 9110, section 13.2.2)."""
    shelf.final = final

    answer = await shelf.get(If_None_Match=f'"{provisional_key(KEY)}"', If_Modified_Since=http_date(NOON))

    assert (answer.status_code, answer.content) == (200, shelf.data)


async def test_a_part_is_of_what_its_tag_names(shelf: Shelf) -> None:
    """206 with the provisional tag, and only for who has no other."""
    shelf.final = False

    part = await shelf.get(Range="bytes=5-8")
    mine = await shelf.get(Range="bytes=5-8", If_Range=f'"{provisional_key(KEY)}"')
    others = [await shelf.get(Range="bytes=5-8", If_Range=tag) for tag in (f'"{KEY}"', http_date(NOON))]

    for answer in (part, mine):
        assert (answer.status_code, answer.content) == (206, STAND_IN[5:9])
        assert answer.headers["etag"] == f'"{provisional_key(KEY)}"'
        assert answer.headers["content-range"] == f"bytes 5-8/{len(STAND_IN)}"
        assert answer.headers["cache-control"] == "public, max-age=10"
    for answer in others:
        assert (answer.status_code, answer.content) == (200, STAND_IN)


async def test_a_part_of_the_provisional_is_not_gone_on_with(shelf: Shelf) -> None:
    """Once the rendition itself is there, all of it is sent."""
    answer = await shelf.get(Range="bytes=5-", If_Range=f'"{provisional_key(KEY)}"')

    assert (answer.status_code, answer.content) == (200, FINAL)


async def test_a_range_beyond_it_tells_its_own_length(shelf: Shelf) -> None:
    """And is not to be kept."""
    shelf.final = False

    answer = await shelf.get(Range="bytes=900-")

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(STAND_IN)}"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["detail"] == f"Range must name some of the {len(STAND_IN)} bytes there are."


async def test_a_range_of_a_head_is_ignored(shelf: Shelf) -> None:
    """RFC 9110, section 14.2: ranges have a meaning for GET alone."""
    answers = [await shelf.get("HEAD", Range=header) for header in ("bytes=0-1", "bytes=900-")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.headers["content-length"] for answer in answers} == {str(len(FINAL))}


@pytest.mark.parametrize("final", [True, False])
async def test_what_is_meant_is_what_is_sent(shelf: Shelf, final: bool) -> None:
    """RFC 9110, section 13.1.1, of whichever of the two is there; 412 says it in a sentence, and is kept by nobody."""
    shelf.final = final
    mine, other = (KEY, provisional_key(KEY)) if final else (provisional_key(KEY), KEY)

    kept = await shelf.get(If_Match=f'"{mine}"')
    refused = await shelf.get(If_Match=f'"{other}"', If_None_Match=f'"{mine}"')

    assert (kept.status_code, kept.content) == (200, shelf.data)
    assert refused.status_code == 412
    assert refused.headers["cache-control"] == "no-store"
    assert refused.json()["detail"] == "The picture is not the one that If-Match or If-Unmodified-Since names."


@pytest.mark.parametrize("size", [5_000, 3 << 20])
async def test_several_parts_are_one_body(shelf: Shelf, size: int) -> None:
    """RFC 9110, section 14.6: of the length that was promised, each part the bytes that it says it is."""
    shelf.final_data = bytes(range(251)) * (size // 251)

    answer = await shelf.get(Range="bytes=0-1,1000-1999,-7")

    assert answer.status_code == 206
    assert int(answer.headers["content-length"]) == len(answer.content) < len(shelf.data)
    assert "content-range" not in answer.headers
    parts = read_parts(answer.headers["content-type"], answer.content)
    assert [part.get_payload(decode=True) for part in parts] == [shelf.data[:2], shelf.data[1000:2000], shelf.data[-7:]]
    assert parts[0]["Content-Range"] == f"bytes 0-1/{len(shelf.data)}"


async def test_parts_that_are_longer_than_the_whole_are_not_sent(shelf: Shelf) -> None:
    """What stands between two bytes of this body is longer than it."""
    shelf.final_data = bytes(200)

    answer = await shelf.get(Range="bytes=0-0,199-199")

    assert (answer.status_code, answer.content) == (200, bytes(200))


async def test_no_two_bodies_of_parts_have_one_boundary(shelf: Shelf) -> None:
    """Nobody can upload a picture that ends a part before its end."""
    shelf.final_data = bytes(5_000)

    types = {(await shelf.get(Range="bytes=0-1,1000-1999")).headers["content-type"] for _ in range(3)}

    assert len(types) == 3


async def test_an_answer_says_what_it_took(shelf: Shelf) -> None:
    """Server-Timing: a miss with its render, a hit without, a 304 without either."""
    shelf.asked = True
    missed = (await shelf.get()).headers["server-timing"]
    shelf.asked = False
    found = (await shelf.get()).headers["server-timing"]
    known = (await shelf.get(If_None_Match="*")).headers["server-timing"]

    assert re.fullmatch(r"cache;desc=miss, render;dur=\d+\.\d, total;dur=\d+\.\d", missed)
    assert re.fullmatch(r"cache;desc=hit, total;dur=\d+\.\d", found)
    assert re.fullmatch(r"total;dur=\d+\.\d", known)


async def test_who_goes_away_is_sent_nothing_more(tmp_path: Path) -> None:
    """Of 64 MiB no more is read than what was on its way."""
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(64 << 20)
    body = Body(length=64 << 20, file=file.open("rb", buffering=0))
    head = PictureHead(key=KEY, media_type="image/png", modified=None, cache_control=CANONICAL)
    sent: list[int] = []

    async def load() -> Body:
        return body

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(len(message.get("body", b"")))

    scope = {"type": "http", "method": "GET", "headers": []}
    await PictureResponse(head, load, is_current=lambda: True, started=perf_counter())(scope, receive, send)

    assert sum(sent) <= 2 << 20
    assert body.file is not None
    assert body.file.closed


@pytest.mark.parametrize("final", [True, False])
async def test_what_has_changed_meanwhile_is_kept_by_nobody(shelf: Shelf, final: bool) -> None:
    """Caches were told to drop it already, and would have it once more."""
    shelf.final, shelf.current = final, False

    answers = [await shelf.get(), await shelf.get("HEAD"), await shelf.get(range="bytes=0-0")]

    assert [answer.headers["cache-control"] for answer in answers] == ["no-store"] * 3


@pytest.mark.parametrize("final", [True, False])
async def test_what_is_negotiated_says_so_in_every_answer(shelf: Shelf, final: bool) -> None:
    """Whole, in part, without its bytes, and where the client has them; nothing else does."""
    asked: list[tuple[str, dict[str, str]]] = [
        ("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=1-2"}), ("GET", {"If_None_Match": f'"{KEY}"'})
    ]  # fmt: skip
    shelf.final = final
    plain = [await shelf.get(method, **headers) for method, headers in asked]
    shelf.varies = True
    negotiated = [await shelf.get(method, **headers) for method, headers in asked]

    assert [answer.status_code for answer in negotiated] == [200, 200, 206, 304]
    assert [answer.headers.get("vary") for answer in negotiated] == ["Accept"] * 4
    assert not any("vary" in answer.headers for answer in plain)


async def test_what_stands_in_says_what_it_is(shelf: Shelf) -> None:
    """Also where it is of another format."""
    shelf.final, shelf.instead = False, Format.JPEG

    assert (await shelf.get()).headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("method", "headers", "sends_path"),
    [("GET", [], True), ("HEAD", [], False), ("GET", [(b"range", b"bytes=0-3")], False)],
    ids=["all of it", "its head", "a part"],
)
async def test_a_server_that_can_sends_the_file_itself(
    tmp_path: Path, method: str, headers: list[tuple[bytes, bytes]], sends_path: bool
) -> None:
    """ASGI's extension `http.response.pathsend`, with the headers that its bytes would have had."""
    shelf, sent = Shelf(file=tmp_path / "file"), list[Message]()
    extensions = {"http.response.pathsend": {}}
    scope = {"type": "http", "method": method, "path": "/", "headers": headers, "extensions": extensions}

    async def send(message: Message) -> None:
        sent.append(message)

    response = await shelf.answer(Request(scope))
    await response(scope, _nothing, send)

    paths = [message["path"] for message in sent if message["type"] == "http.response.pathsend"]
    assert paths == ([str(tmp_path / "file")] if sends_path else [])
    assert (b"content-length", b"%d" % (4 if headers else len(FINAL))) in sent[0]["headers"]
    assert [message["type"] for message in sent].count("http.response.start") == 1


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
