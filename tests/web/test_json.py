"""JSON bodies: what is read, and each sentence that says why one is not; arrays that are sent in pages."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from imgsvc.core.errors import InvalidParameter, PayloadTooLarge, StoreFailure
from imgsvc.web.json import json_array_response, json_response, read_json

MEBIBYTE = 1 << 20


class Mode(StrEnum):
    CROP = "crop"
    PAD = "pad"


class Inner(msgspec.Struct):
    id: int
    tags: list[str] = []


class Shape(msgspec.Struct):
    name: str
    inner: Inner | None = None
    mode: Mode = Mode.CROP
    limit: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    attributes: dict[str, Any] = {}


def read(*chunks: bytes, shape: Any = Shape, disconnects: bool = False) -> Any:
    """Of a body that comes in these pieces."""
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"} if disconnects else {"type": "http.request", "body": b""})
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    return asyncio.run(read_json(Request({"type": "http", "method": "POST", "headers": []}, receive=receive), shape))


def refusal_of(*chunks: bytes, shape: Any = Shape, disconnects: bool = False) -> InvalidParameter:
    with pytest.raises(InvalidParameter) as refused:
        read(*chunks, shape=shape, disconnects=disconnects)
    return refused.value


def test_a_body_is_read_as_its_shape() -> None:
    """However it is cut up; fields that nobody knows are passed over."""
    body = '{"name": "größer 👕", "inner": {"id": 7, "tags": ["a"]}, "unknown": [1]}'.encode()

    shape = read(*(body[at : at + 1] for at in range(len(body))))

    assert shape == Shape(name="größer 👕", inner=Inner(id=7, tags=["a"]))


@pytest.mark.parametrize(
    ("body", "name", "sentence"),
    [
        (b'{"name": 5}', "name", 'name must be of type str; received "int".'),
        (b'{"name": null}', "name", 'name must be of type str; received "null".'),
        (b'{"name": "a", "inner": 5}', "inner", 'inner must be of type object | null; received "int".'),
        (b'{"name": "a", "inner": {"id": "x"}}', "inner.id", 'inner.id must be of type int; received "str".'),
        (
            b'{"name": "a", "inner": {"id": 1, "tags": ["a", 5]}}',
            "inner.tags[1]",
            'inner.tags[1] must be of type str; received "int".',
        ),
        (b"[]", "body", 'body must be of type object; received "array".'),
        (b"5", "body", 'body must be of type object; received "int".'),
        (b"null", "body", 'body must be of type object; received "null".'),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_field(body: bytes, name: str, sentence: str) -> None:
    """Which field, what it must be, what came."""
    error = refusal_of(body)

    assert (error.name, error.detail) == (name, sentence)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{}", "name"),
        (b'{"name": "a", "inner": {}}', "id"),
        (b'{"name": "a", "mode": "stretch"}', "mode"),
        (b'{"name": "a", "limit": 0}', "limit"),
        (b'{"name": "a", "limit": 6}', "limit"),
    ],
)
def test_any_other_mistake_names_the_field(body: bytes, named: str) -> None:
    """What is missing, none of those that there are, too small or too large."""
    error = refusal_of(body)

    assert named in error.detail


def test_a_list_of_shapes_is_a_body_too() -> None:
    """The place in it is named."""
    assert read(b'[{"id": 1}, {"id": 2}]', shape=list[Inner]) == [Inner(id=1), Inner(id=2)]
    assert refusal_of(b'[{"id": 1}, {"id": "x"}]', shape=list[Inner]).name == "[1].id"


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b'{"name": "a"', b'{"name": "a"} x', b"name=a", b"{'name': 'a'}", b'{"name": NaN}',
        b"\xff\xfe", b'{"name": "\xff"}', b'{"attributes": {"\xff": 1}, "name": "a"}', b'{"name": "a\nb"}',
        b"\xef\xbb\xbf{}", b'{"name": "\\ud800"}',
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """With its beginning, as far as it can be shown."""
    error = refusal_of(body)

    assert error.name == "body"
    assert error.detail.startswith('body must be well-formed JSON; received "')
    assert error.detail.isascii()


def test_json_that_goes_too_deep_is_refused() -> None:
    """Where nothing says how deep a value may be."""
    deep = b'{"name": "a", "attributes": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"

    assert refusal_of(deep).name == "body"


def test_a_body_that_breaks_off_is_refused() -> None:
    """The client has gone: whole as it may look."""
    assert refusal_of(b'{"name": "a"}', disconnects=True).detail == (
        'body must be complete JSON; received "a part of it".'
    )


@pytest.mark.parametrize("more", [0, 1])
def test_a_body_has_a_largest_length(more: int) -> None:
    """16 MiB, wherever it is cut; one byte more is refused before it is read as anything."""
    body = b'{"name": "' + b"a" * (16 * MEBIBYTE - 12 + more) + b'"}'
    chunks = [body[at : at + MEBIBYTE] for at in range(0, len(body), MEBIBYTE)]

    if more:
        with pytest.raises(PayloadTooLarge, match="16777216 bytes"):
            read(*chunks)
    else:
        assert len(read(*chunks).name) == 16 * MEBIBYTE - 12


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    """No other exception."""
    try:
        read(body)
    except InvalidParameter as error:
        told = error.detail
    else:
        told = ""

    assert told.isprintable()


async def _body(response: Response) -> bytes:
    sent: list[bytes] = []

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Message:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    await response({"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}, receive, send)
    return b"".join(sent)


async def _pages(pages: Sequence[Sequence[object]]) -> AsyncIterator[Sequence[object]]:
    for page in pages:
        yield page


@given(
    st.lists(
        st.lists(st.integers(-(2**63), 2**63) | st.text() | st.dictionaries(st.text(), st.booleans()), max_size=3),
        max_size=5,
    )
)
def test_pages_are_one_array(pages: list[list[object]]) -> None:
    """Of all they hold, in their order; empty pages anywhere."""

    async def answer() -> bytes:
        return await _body(await json_array_response(_pages(pages)))

    assert json.loads(asyncio.run(answer())) == [one for page in pages for one in page]


@pytest.mark.anyio
async def test_what_goes_wrong_before_the_first_page_is_raised() -> None:
    """There is no answer yet that it would spoil."""

    async def pages() -> AsyncIterator[Sequence[object]]:
        raise StoreFailure("The catalogue does not answer at the moment.")
        yield []

    with pytest.raises(StoreFailure):
        await json_array_response(pages())


@pytest.mark.anyio
async def test_answers_are_kept_by_nobody() -> None:
    """They are of the present."""
    answers = [json_response(Inner(id=1)), await json_array_response(_pages([]))]

    assert [answer.headers["cache-control"] for answer in answers] == ["no-store"] * 2
    assert [answer.headers["content-type"] for answer in answers] == ["application/json"] * 2
    assert answers[0].body == b'{"id":1,"tags":[]}'


def test_an_answer_may_say_another_type_and_status() -> None:
    answer = json_response([1], status=201, media_type="application/ld+json")

    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/ld+json")
