"""Bodies as clients of an ASP.NET service send them: names in any case, ids as text or as numbers."""

from collections.abc import Sequence, Sized
from typing import Any, TypeVar

from starlette.requests import Request

from imgsvc.apis.struct.shapes import FIELDS
from imgsvc.core.errors import InvalidParameter
from imgsvc.web.json import read_json

T = TypeVar("T")


MOST_READ = 100_000
"""Assets or folders in one answer or one archive."""

_MOST_CHANGED = 10_000
"""Assets or folders in one request: all others wait for its transaction."""


async def read_body(request: Request, shape: type[T]) -> T:
    """Raises InvalidParameter, PayloadTooLarge."""
    body = await read_json(request, shape, fold=_fold)
    if isinstance(body, Sized):
        _check_number(len(body), most=_MOST_CHANGED)
    return body


async def read_ids(request: Request, *, most: int = _MOST_CHANGED) -> Sequence[str]:
    """Raises InvalidParameter, PayloadTooLarge."""
    ids = await read_json(request, list[str | int])
    _check_number(len(ids), most=most)
    return list(map(str, ids))


def _check_number(number: int, *, most: int) -> None:
    if number > most:
        raise InvalidParameter("body", expected=f"at most {most} at a time", received=str(number))


def _fold(value: Any) -> Any:
    """Ids are keys too, and no field's name."""
    if isinstance(value, dict):
        return {FIELDS.get(key.lower(), key): _fold(one) for key, one in value.items()}
    return [_fold(one) for one in value] if isinstance(value, list) else value
