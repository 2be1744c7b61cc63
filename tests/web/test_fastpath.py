"""Prepared answers: given again as they were, for one generation, and never where they might be better meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, VariantKey, provisional_key
from imgsvc.service.delivery import Body
from imgsvc.web.fastpath import Fastpath, PreparedAnswers
from imgsvc.web.responses import PictureHead
from tests.fakes import NOON

pytestmark = pytest.mark.anyio

KEY = VariantKey("ab" * 16)
DATA = b"the rendition"
HEAD = PictureHead(key=KEY, media_type="image/webp", modified=NOON, cache_control="public, max-age=300")


def body(key: VariantKey = KEY, data: bytes = DATA) -> Body:
    derivative = Derivative(key=key, format=Format.WEBP, length=len(data), crc32=crc32(data), size=Size(30, 20))
    return Body(length=len(data), data=data, derivative=derivative)


@dataclass
class Desk:
    """A Fastpath in front of a router that says so. `stored`: by key; `generation` of the catalogue."""

    generation: int = 1
    stored: dict[VariantKey, bytes] = field(default_factory=dict[VariantKey, bytes])
    answered: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def __post_init__(self) -> None:
        self.answers = PreparedAnswers(generation=lambda: self.generation)

    def remember(
        self, path: str, head: PictureHead = HEAD, given: Body | None = None, *, accept: str | None = None
    ) -> None:
        headers = [] if accept is None else [(b"accept", accept.encode())]
        scope: Mapping[str, Any] = {
            "raw_path": path.encode(), "path": path, "query_string": b"", "headers": headers,
        }  # fmt: skip
        self.answers.remember(dict(scope), head, given or body(), self.generation)

    async def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Header names with `_` for `-`. 404 is the router's."""
        fastpath = Fastpath(
            _router,
            self.answers,
            read=lambda derivative: self.stored.get(derivative.key),
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
def desk() -> Desk:
    return Desk(stored={KEY: DATA, provisional_key(KEY): b"what stands in"})


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
    # The router decides on every other condition.
    assert other.status_code == 404


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
async def test_what_is_not_small_and_rendered_is_not_kept(desk: Desk, given: Body) -> None:
    desk.remember("/images/a.webp", given=given)

    assert (await desk.ask("/images/a.webp")).status_code == 404


async def test_a_change_of_the_catalogue_ends_them_all(desk: Desk) -> None:
    desk.remember("/images/a.webp")
    desk.generation += 1

    assert (await desk.ask("/images/a.webp")).status_code == 404


async def test_a_file_that_is_not_what_it_was_is_the_routers(desk: Desk) -> None:
    desk.remember("/images/a.webp")
    desk.stored.clear()

    assert (await desk.ask("/images/a.webp")).status_code == 404


@pytest.mark.parametrize("header", ["Range", "If_Modified_Since"])
async def test_what_needs_a_decision_is_the_routers(desk: Desk, header: str) -> None:
    desk.remember("/images/a.webp")

    assert (await desk.ask("/images/a.webp", **{header: "bytes=0-1"})).status_code == 404


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
        desk.stored[head.key] = head.key.encode()
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


async def test_another_classes_tag_is_the_routers(negotiating: Desk) -> None:
    """It is not what this client would be given."""
    tag = NEGOTIATED["image/webp"].etag

    assert (await negotiating.ask("/media/a", Accept="*/*", If_None_Match=tag)).status_code == 404


async def test_without_negotiation_nobody_looks_at_what_is_accepted(desk: Desk) -> None:
    """One entry for all, and no Vary."""
    desk.remember("/images/a.webp", accept="image/webp")

    answers = [await desk.ask("/images/a.webp", Accept=accept) for accept in ("*/*", "image/avif", "text/html;q=x")]

    assert [answer.content for answer in answers] == [DATA] * 3
    assert not any("vary" in answer.headers for answer in answers)
