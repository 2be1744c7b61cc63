"""Where each API and each URL dialect is served: below a path prefix, or under a host of its own.

Inside the service every face has one address, its default prefix. A place elsewhere is led there before the router.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Face(StrEnum):
    STRUCT = "struct"
    IQMETRIX = "iqmetrix"
    QUABLE = "quable"
    QOOLY = "qooly"
    MEDIA = "media"
    IMAGES = "images"
    CDN = "cdn"


class Place(NamedTuple):
    """`host` in lower case, with a port where it must be that one; None: any. `prefix` without a slash at the end."""

    host: str | None
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceRow:
    """`prefix`: where it is by default, and inside the service. `root`: what the vendor's own paths begin with."""

    prefix: str
    root: str
    meaning: str


FACES: Mapping[Face, FaceRow] = MappingProxyType(
    {
        Face.STRUCT: FaceRow(prefix="/struct", root="/assets", meaning="Struct PIM's Assets API"),
        Face.IQMETRIX: FaceRow(prefix="/iqmetrix", root="/assets", meaning="iQmetrix' Assets API"),
        Face.QUABLE: FaceRow(prefix="/quable", root="/api", meaning="Quable's API"),
        Face.QOOLY: FaceRow(prefix="/qooly", root="/v1", meaning="Qooly's API"),
        Face.MEDIA: FaceRow(prefix="", root="/media", meaning="pictures as Struct PIM addresses them"),
        Face.IMAGES: FaceRow(prefix="", root="/images", meaning="pictures as iQmetrix addresses them"),
        # The first segment is an instance, so the root is any.
        Face.CDN: FaceRow(prefix="/cdn", root="", meaning="pictures as Quable addresses them"),
    }
)

DEFAULT_PLACES: Mapping[Face, Place] = MappingProxyType({face: Place(None, row.prefix) for face, row in FACES.items()})

_PLACE = re.compile(
    r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?)?(?P<prefix>(?:/[A-Za-z0-9._~-]+)*)/?",
    re.ASCII,
)


def place_from_text(text: str) -> Place:
    """`/pim`, `api.shop.example`, `shop.example:8080/pim`, or `/` for no prefix. Raises ValueError."""
    match = _PLACE.fullmatch(text.strip())
    if match is None or not text.strip():
        raise ValueError(text)
    return Place(match["host"], match["prefix"])


def check_places(places: Mapping[Face, Place]) -> None:
    """Raises ValueError, in words for the operator, where two faces would answer the same URLs."""
    taken: dict[tuple[str | None, str], Face] = {}
    for face, place in places.items():
        begins = place.prefix + FACES[face].root
        if not begins and place.host is None:
            raise ValueError(f"{face} takes any path and needs a prefix or a host of its own")
        other = taken.setdefault((place.host, begins), face)
        if other is not face:
            raise ValueError(f"{other} and {face} cannot both be at {place.host or ''}{begins}")


def inner_path(places: Mapping[Face, Place], host: str, path: str) -> str | None:
    """Where the service itself has what lies at `path` of `host`; None: a face that is elsewhere now.

    A place with that very host goes before one of any, the longest beginning before a shorter one.
    """
    found: tuple[bool, int] = (False, -1)
    inner: str | None = path
    for face, place in places.items():
        row = FACES[face]
        if place.host in (None, host, host.partition(":")[0]) and _is_below(path, place.prefix + row.root):
            rank = (place.host is not None, len(place.prefix + row.root))
            if rank > found:
                found, inner = rank, row.prefix + path[len(place.prefix) :]
    if found[1] < 0 and any(_is_below(path, row.prefix + row.root) for row in FACES.values() if row.prefix + row.root):
        return None
    return inner


def _is_below(path: str, begins: str) -> bool:
    return path.startswith(begins) and path[len(begins) : len(begins) + 1] in ("", "/")
