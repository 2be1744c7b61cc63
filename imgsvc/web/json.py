"""JSON for APIs and health: bodies read into shapes, shapes answered. Theirs is the present, so nobody stores them."""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from imgsvc.core.errors import InvalidParameter, PayloadTooLarge

T = TypeVar("T")

_LARGEST_BODY = 16 * 1024 * 1024
_NO_STORE = {"Cache-Control": "no-store"}
_AT = r"(?: - at `(?:key in )?\$?\.?(?P<name>[^`]*)`)?"
# Expected `str`, got `int` - at `$.Filename`
_MISMATCH = re.compile(rf"Expected `(?P<expected>[^`]+)`, got `(?P<received>[^`]+)`{_AT}")
# Expected `int` <= 5 - at `$.sequence`
_BOUND = re.compile(rf"Expected `(?P<type>[^`]+)` (?P<bound>[^-]+?){_AT}")
# Invalid enum value 'stretch' - at `$.mode`
_ELSE = re.compile(r" - at `(?:key in )?\$?\.?(?P<name>[^`]*)`$")
# Object missing required field `id` - at `$.file`
_MISSING = re.compile(rf"Object missing required field `(?P<field>[^`]+)`{_AT}")


async def read_json(request: Request, shape: type[T], *, fold: Callable[[Any], Any] | None = None) -> T:
    """The body, at most 16 MiB of it, as what msgspec makes of that type; `fold` is applied to the plain JSON before.

    Raises InvalidParameter, which names the field that is wrong, and PayloadTooLarge.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_BODY:
                raise PayloadTooLarge(f"The body is larger than {_LARGEST_BODY} bytes.")
    except ClientDisconnect as error:
        raise InvalidParameter("body", expected="complete JSON", received="a part of it") from error
    try:
        if fold is not None:
            return msgspec.convert(fold(msgspec.json.decode(body)), type=shape)
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _mismatch(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        received = body[:60].decode("utf-8", "replace")
        raise InvalidParameter("body", expected="well-formed JSON", received=received) from error


def json_response(shape: object, *, status: int = 200, media_type: str = "application/json") -> Response:
    """`shape` is whatever msgspec encodes."""
    return Response(
        msgspec.json.encode(shape),
        status_code=status,
        headers=_NO_STORE,
        media_type=media_type,
    )


async def json_array_response(pages: AsyncIterator[Sequence[object]]) -> Response:
    """One array of all that the pages hold, sent page by page.

    The first page is waited for, so that what goes wrong before it is answered properly.
    """
    first = await anext(pages, None) or []

    async def content() -> AsyncIterator[bytes]:
        yield b"[" + _elements(first)
        separator = b"," if first else b""
        async for page in pages:
            if page:
                yield separator + _elements(page)
                separator = b","
        yield b"]"

    return StreamingResponse(content(), headers=_NO_STORE, media_type="application/json")


def _elements(page: Sequence[object]) -> bytes:
    """Without the brackets around them."""
    return msgspec.json.encode(page)[1:-1]


def _mismatch(message: str) -> InvalidParameter:
    """msgspec's sentences, which its documentation promises nothing of."""
    if match := _MISMATCH.fullmatch(message):
        return InvalidParameter(
            match["name"] or "body", expected=f"of type {match['expected']}", received=match["received"]
        )
    if match := _MISSING.fullmatch(message):
        name = ".".join(filter(None, (match["name"], match["field"])))
        return InvalidParameter(name, expected="given", received="nothing")
    if match := _BOUND.fullmatch(message):
        return InvalidParameter(
            match["name"] or "body", expected=f"of type {match['type']} {match['bound']}", received="another"
        )
    if match := _ELSE.search(message):
        return InvalidParameter(match["name"] or "body", expected="a value that is documented", received="another")
    return InvalidParameter("body", expected="JSON with the fields and values that are documented", received="another")
