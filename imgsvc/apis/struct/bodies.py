"""Bodies as clients of an ASP.NET service send them: names in any case, ids as text or as numbers."""

from collections.abc import Sequence
from typing import Any, TypeVar

from starlette.requests import Request

from imgsvc.apis.struct.shapes import FIELDS
from imgsvc.web.json import read_json

T = TypeVar("T")


async def read_body(request: Request, shape: type[T]) -> T:
    """Raises InvalidParameter, PayloadTooLarge."""
    return await read_json(request, shape, fold=_fold)


async def read_ids(request: Request) -> Sequence[str]:
    """Raises InvalidParameter, PayloadTooLarge."""
    return list(map(str, await read_json(request, list[str | int])))


def _fold(value: Any) -> Any:
    """Ids are keys too, and no field's name."""
    if isinstance(value, dict):
        return {FIELDS.get(key.lower(), key): _fold(one) for key, one in value.items()}
    return [_fold(one) for one in value] if isinstance(value, list) else value
