"""Prepared answers: given again as they were, while their asset is, and never where they might be better meanwhile."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.coordination.local import Generation
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, VariantKey, provisional_key
from imgsvc.service.delivery import Body
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.memory import RecentBytes
from imgsvc.web.conditional import http_date
from imgsvc.web.fastpath import Fastpath
from imgsvc.web.prepared import PreparedAnswers, Seen
from imgsvc.web.responses import PictureHead
from tests.fakes import NOON

pytestmark = pytest.mark.anyio

KEY = VariantKey("ab" * 16)
DATA = b"the rendition"
HEADS = 10
HEAD = PictureHead(key=KEY, media_type="image/webp", modified=NOON, cache_control="public, max-age=300")


def body(key: VariantKey = KEY, data: bytes = DATA) -> Body:
    derivative = Derivative(key=key, format=Format.WEBP, length=len(data), crc32=crc32(data), size=Size(30, 20))
    return Body(length=len(data), data=data, derivative=derivative)


@dataclass
class Desk:
    """A Fastpath in front of a router that says so; one asset, 7. `memory`: bytes for bodies."""

    folder: Path
    memory: int = 1 << 20
    answered: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def __post_init__(self) -> None:
        self.generation = Generation(self.folder / "generation")
        self.files = DerivativeFiles(self.folder)
        self.bodies = RecentBytes(budget=self.memory)
        self.answers = PreparedAnswers(generation=self.generation, bodies=self.bodies, heads=HEADS)

    def store(self, derivative: Derivative, data: bytes) -> None:
        path = self.files.path(derivative.key, derivative.format)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def remember(
        self, path: str, head: PictureHead = HEAD, given: Body | None = None, *, accept: str | None = None
    ) -> None:
        """As answered by the router, its file stored."""
        headers = [] if accept is None else [(b"accept", accept.encode())]
        given = given or body()
        if given.derivative is not None and given.data is not None:
            self.store(given.derivative, given.data)
        target, _, query = path.partition("?")
        scope: Mapping[str, Any] = {
            "raw_path": target.encode(), "path": target, "query_string": query.encode(), "headers": headers,
        }  # fmt: skip
        self.answers.remember(dict(scope), head, given, Seen(7, self.generation.value))

    def lose_files(self) -> None:
        for file in self.folder.glob("??/??/*"):
            file.unlink()

    async def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Header names with `_` for `-`. 404 is the router's."""
        fastpath = Fastpath(
            _router,
            self.answers,
            files=self.files,
            answered=lambda route, status, _: self.answered.append((route, status)),
        )
        app: ASGIApp = fastpath
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://imgsvc") as client:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=given)


async def _router(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body"})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.generation.close()


async def test_what_was_answered_is_answered_again(desk: Desk) -> None:
    """With the same headers, counted under its first folder."""
    desk.remember("/images/a.webp")

    answer = await desk.ask("/images/a.webp")
    head = await desk.ask("/images/a.webp", "HEAD")

    assert (answer.status_code, answer.content) == (200, DATA)
    assert (head.status_code, head.content, head.headers) == (200, b"", answer.headers)
    assert answer.headers["etag"] == HEAD.etag
    assert answer.headers["content-length"] == str(len(DATA))
    assert [status for _, status in desk.answered] == [200, 200]


async def test_what_is_provisional_is_not_kept(desk: Desk) -> None:
    """The next who asks may be given the rendition itself."""
    desk.remember("/images/a.webp", given=body(provisional_key(KEY), b"what stands in"))

    answer = await desk.ask("/images/a.webp")

    assert answer.status_code == 404
    assert desk.answered == []


async def test_what_became_final_is_kept(desk: Desk) -> None:
    """Under its own tag; with that of what stood in before, all of it comes."""
    desk.remember("/images/a.webp", given=body(provisional_key(KEY), b"what stands in"))
    desk.remember("/images/a.webp")

    same = await desk.ask("/images/a.webp", If_None_Match=HEAD.etag)
    other = await desk.ask("/images/a.webp", If_None_Match=f'"{provisional_key(KEY)}"')

    assert (same.status_code, same.headers["etag"]) == (304, HEAD.etag)
    assert (other.status_code, other.content) == (200, DATA)


@pytest.mark.parametrize(
    "conditions",
    [
        {"If_None_Match": HEAD.etag, "If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If_None_Match": f'"x", W/{HEAD.etag}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": http_date(NOON)},
    ],
    ids=["both", "a list", "any", "the date"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_a_browser_holds_already_is_not_sent(desk: Desk, conditions: dict[str, str], method: str) -> None:
    """RFC 9110, section 13.2.2: of both conditions the tag counts. No file is touched."""
    desk.remember("/images/a.webp")
    desk.lose_files()

    answer = await desk.ask("/images/a.webp", method, **conditions)

    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", HEAD.etag)
    assert "content-length" not in answer.headers


async def test_a_provisional_answer_does_not_replace_a_final_one(desk: Desk) -> None:
    """Its file was evicted for a moment, say."""
    desk.remember("/images/a.webp")
    desk.remember("/images/a.webp", given=body(provisional_key(KEY), b"what stands in"))

    assert (await desk.ask("/images/a.webp")).content == DATA


@pytest.mark.parametrize(
    "given",
    [Body(length=3, data=b"abc"), Body(length=3, derivative=body().derivative)],
    ids=["an original", "a large file"],
)
async def test_of_what_is_not_small_and_rendered_only_304_is_kept(desk: Desk, given: Body) -> None:
    """The router sends it, a chunk at a time."""
    desk.remember("/images/a.webp", given=given)

    assert (await desk.ask("/images/a.webp")).status_code == 404
    assert (await desk.ask("/images/a.webp", "HEAD")).status_code == 404
    assert (await desk.ask("/images/a.webp", If_None_Match=HEAD.etag)).status_code == 304


async def test_a_change_of_the_asset_ends_its_answers(desk: Desk) -> None:
    """Of every URL, and those of no other."""
    desk.remember("/images/a.webp")
    desk.generation.tell(1, [8])
    before = await desk.ask("/images/a.webp")

    desk.generation.tell(1, [7])

    assert (before.status_code, before.content) == (200, DATA)
    assert (await desk.ask("/images/a.webp")).status_code == 404
    assert (await desk.ask("/images/a.webp", If_None_Match=HEAD.etag)).status_code == 404


async def test_an_answer_from_before_a_change_is_not_given_again(desk: Desk) -> None:
    """The asset was looked up, then changed, then what it had been was answered."""
    seen = Seen(7, desk.generation.value)
    desk.generation.tell(1, [7])

    desk.answers.remember({"raw_path": b"/images/a", "path": "/images/a", "query_string": b""}, HEAD, body(), seen)

    assert (await desk.ask("/images/a")).status_code == 404


async def test_what_is_asked_for_again_stays_in_memory(desk: Desk) -> None:
    """From the second time on; a change takes the answers away, and leaves the bytes to those that come."""
    desk.remember("/images/a.webp")
    for _ in range(2):
        await desk.ask("/images/a.webp")
    desk.generation.tell(1, [7])
    desk.remember("/images/b.webp")
    desk.lose_files()

    answer = await desk.ask("/images/b.webp")

    assert (answer.status_code, answer.content) == (200, DATA)


async def test_what_was_asked_for_once_takes_no_memory(desk: Desk) -> None:
    """A crawler that asks for everything drives out nothing."""
    desk.remember("/images/a.webp")

    assert desk.bodies.length == 0


async def test_after_a_change_of_everything_nothing_is_in_memory(desk: Desk) -> None:
    """Not even bytes: they may have been purged."""
    desk.remember("/images/a.webp")
    for _ in range(2):
        await desk.ask("/images/a.webp")
    kept = desk.bodies.length

    desk.generation.tell(1, None)
    desk.remember("/images/a.webp")

    assert kept > len(DATA)
    assert desk.bodies.length == 0


async def test_without_memory_files_are_read(tmp_path: Path) -> None:
    desk = Desk(tmp_path, memory=0)
    desk.remember("/images/a.webp")

    answers = [await desk.ask("/images/a.webp") for _ in range(3)]
    desk.lose_files()
    lost = await desk.ask("/images/a.webp")

    assert [answer.content for answer in answers] == [DATA] * 3
    assert (lost.status_code, desk.bodies.length) == (404, 0)
    desk.generation.close()


@pytest.mark.parametrize(
    "spoilt", [DATA[::-1], DATA + b"!", DATA[:-1], b""], ids=["flipped", "longer", "torn", "empty"]
)
async def test_a_file_that_is_not_what_it_was_is_the_routers(desk: Desk, spoilt: bytes) -> None:
    """It is made again there; what is wrong gets into no memory."""
    desk.remember("/images/a.webp")
    desk.lose_files()
    desk.store(given_by(body()), spoilt)

    answers = [await desk.ask("/images/a.webp") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert desk.bodies.length == 0


async def test_a_head_reads_no_file(desk: Desk) -> None:
    desk.remember("/images/a.webp")
    desk.lose_files()

    answer = await desk.ask("/images/a.webp", "HEAD")

    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(DATA)))


@pytest.mark.parametrize("header", ["Range", "If_Match", "If_Unmodified_Since"])
async def test_what_needs_a_decision_is_the_routers(desk: Desk, header: str) -> None:
    desk.remember("/images/a.webp")

    assert (await desk.ask("/images/a.webp", **{header: "bytes=0-1"})).status_code == 404


async def test_a_date_of_another_day_is_the_routers(desk: Desk) -> None:
    desk.remember("/images/a.webp")

    answer = await desk.ask("/images/a.webp", If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT")

    assert answer.status_code == 404


async def test_what_is_no_get_is_the_routers(desk: Desk) -> None:
    desk.remember("/images/a.webp")

    assert (await desk.ask("/images/a.webp", "DELETE")).status_code == 404


NEGOTIATED = {
    accept: replace(HEAD, key=VariantKey(digits * 16), varies=True)
    for accept, digits in (("image/avif,image/webp", "a1"), ("image/webp", "b2"), ("*/*", "c3"))
}
"""By the Accept header that gets it."""


@pytest.fixture
def negotiating(desk: Desk) -> Desk:
    """It has answered one of each class at the same URL."""
    for accept, head in NEGOTIATED.items():
        desk.remember("/media/a", head, body(head.key, head.key.encode()), accept=accept)
    return desk


@pytest.mark.parametrize("accept", NEGOTIATED)
async def test_a_negotiated_answer_is_for_who_accepts_the_same(negotiating: Desk, accept: str) -> None:
    """However that is written; with Vary in 200, 304 and for HEAD."""
    head = NEGOTIATED[accept]
    spelled = accept.replace(",", " , text/html;q=0.1,").upper()

    answer = await negotiating.ask("/media/a", Accept=spelled)
    known = await negotiating.ask("/media/a", Accept=accept, If_None_Match=head.etag)
    bare = await negotiating.ask("/media/a", "HEAD", Accept=accept)

    assert (answer.content, answer.headers["etag"]) == (head.key.encode(), head.etag)
    assert (known.status_code, known.headers["etag"]) == (304, head.etag)
    assert (bare.status_code, bare.headers["etag"]) == (200, head.etag)
    assert {one.headers["vary"] for one in (answer, known, bare)} == {"Accept"}


async def test_a_class_that_was_not_answered_is_the_routers(negotiating: Desk) -> None:
    """Another's answer is no stand-in."""
    answer = await negotiating.ask("/media/a", Accept="image/avif")

    assert answer.status_code == 404


async def test_another_classes_tag_does_not_match(negotiating: Desk) -> None:
    """It is not what this client is given."""
    tag = NEGOTIATED["image/webp"].etag

    answer = await negotiating.ask("/media/a", Accept="*/*", If_None_Match=tag)

    assert (answer.status_code, answer.headers["etag"]) == (200, NEGOTIATED["*/*"].etag)


async def test_without_negotiation_nobody_looks_at_what_is_accepted(desk: Desk) -> None:
    """One entry for all, and no Vary."""
    desk.remember("/images/a.webp", accept="image/webp")

    answers = [await desk.ask("/images/a.webp", Accept=accept) for accept in ("*/*", "image/avif", "text/html;q=x")]

    assert [answer.content for answer in answers] == [DATA] * 3
    assert not any("vary" in answer.headers for answer in answers)


async def test_a_target_that_would_fill_the_memory_is_not_kept(desk: Desk) -> None:
    desk.remember(f"/images/a.webp?{'x' * 5000}")

    assert (await desk.ask(f"/images/a.webp?{'x' * 5000}")).status_code == 404


async def test_only_so_many_answers_are_kept(desk: Desk) -> None:
    """The least recently asked for goes first."""
    desk.remember("/images/hot.webp")
    for number in range(HEADS):
        desk.remember(f"/images/{number}.webp")
        await desk.ask("/images/hot.webp")

    statuses = [(await desk.ask(f"/images/{name}.webp")).status_code for name in ("hot", 0, 1, HEADS - 1)]

    assert statuses == [200, 404, 200, 200]


async def test_what_was_used_is_told(desk: Desk) -> None:
    """Once, wherever it was answered from: whoever evicts files should know."""
    desk.remember("/images/a.webp")
    told = desk.answers.take_used()
    for _ in range(3):
        await desk.ask("/images/a.webp")

    assert (told, desk.answers.take_used(), desk.answers.take_used()) == ({KEY}, {KEY}, set())


def given_by(given: Body) -> Derivative:
    assert given.derivative is not None
    return given.derivative
