"""JSON-LD and Hydra as API Platform writes them: contexts, and the pages of a collection."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from imgsvc.core.errors import InvalidParameter

LD_JSON = "application/ld+json; charset=utf-8"

DEFAULT_LIMIT = 30
"""API Platform's."""

MAX_LIMIT = 200

_HYDRA = "http://www.w3.org/ns/hydra/core#"
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)

Context = Mapping[str, str]


class Page(NamedTuple):
    """`number` from 1."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.limit


class PartialCollectionView(msgspec.Struct, kw_only=True):
    """Paths of the neighbouring pages, from the host on."""

    id: str = msgspec.field(name="@id")
    type: Literal["hydra:PartialCollectionView"] = msgspec.field(default="hydra:PartialCollectionView", name="@type")
    first: str = msgspec.field(name="hydra:first")
    last: str = msgspec.field(name="hydra:last")
    previous: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="hydra:previous")
    next: str | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="hydra:next")


def make_context(vocabulary: str, output: str, terms: Sequence[str]) -> Context:
    """Of an object whose terms are those of an output class of API Platform, `AssetOutput`."""
    return {"@vocab": f"{vocabulary}#", "hydra": _HYDRA, **{term: f"{output}/{term}" for term in terms}}


def read_page(query: Mapping[str, str]) -> Page:
    """More than the most at once is the most, as API Platform has it; the view tells. Raises InvalidParameter."""
    return Page(
        number=_read_count(query, "page", default=1, most=None),
        limit=_read_count(query, "limit", default=DEFAULT_LIMIT, most=MAX_LIMIT),
    )


def make_view(collection: str, page: Page, total: int) -> PartialCollectionView:
    """`collection` is its path. There is a first page also where there is nothing."""
    last = max(1, -(-total // page.limit))

    def path(number: int) -> str:
        return f"{collection}?page={number}&limit={page.limit}"

    return PartialCollectionView(
        id=path(page.number),
        first=path(1),
        last=path(last),
        previous=path(min(page.number - 1, last)) if page.number > 1 else msgspec.UNSET,
        next=path(page.number + 1) if page.number < last else msgspec.UNSET,
    )


def _read_count(query: Mapping[str, str], name: str, *, default: int, most: int | None) -> int:
    text = query.get(name)
    if text is None:
        return default
    number = int(text) if _COUNT.fullmatch(text) else 0
    if number < 1:
        raise InvalidParameter(name, expected="a whole number from 1", received=text)
    return number if most is None else min(number, most)
