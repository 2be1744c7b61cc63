"""Which format answers `format=auto`: from the Accept header (RFC 9110, section 12.5.1) and what the original is.

A header is reduced to one of four classes before anything else sees it, so that a cache has at most four answers a URL.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from imgsvc.core.assets import ImageInfo
from imgsvc.core.color import Color
from imgsvc.core.formats import FORMATS, Format

LONGEST_ACCEPT = 1024
"""Bytes that are looked at; the longest that browsers send have 150. An entry that is cut there counts for nothing."""

_REMEMBERED = 512


class Accepted(StrEnum):
    """Those of AVIF and WebP that are named and not weighed less than what all browsers show.

    WebP alone also stands for who names both and weighs it more.
    """

    NEITHER = "neither"
    WEBP = "webp"
    AVIF = "avif"
    BOTH = "avif, webp"


class Choice(NamedTuple):
    """`instead`: what may be answered for the time being where `format` takes long to make; None where it does not."""

    format: Format
    instead: Format | None = None


def accepted_by(headers: Iterable[tuple[bytes, bytes]]) -> Accepted:
    """Of a request's headers, names in lower case; several of one name are one list (RFC 9110, section 5.3)."""
    values = [value for name, value in headers if name == b"accept"]
    return read_accept(values[0] if len(values) == 1 else b",".join(values))


def read_accept(header: bytes) -> Accepted:
    """Empty for none. A wildcard accepts neither AVIF nor WebP: it was sent long before they were known.

    What is malformed is ignored, as is a range with parameters, which means something narrower than what is made here.
    """
    if len(header) > LONGEST_ACCEPT:
        header = header[: LONGEST_ACCEPT + 1].rpartition(b",")[0]
    return _read_accept(header)


def choose_format(info: ImageInfo, accepted: Accepted, *, background: Color | None = None) -> Choice:
    """Animations stay so, and alpha stays where no opaque `background` is to lie under it."""
    is_animated = info.frames > 1
    family = _family(info, keeps_alpha=info.has_alpha and (background is None or background.alpha < 255))
    fitting = [output for output in _PREFERRED[accepted] if FORMATS[output].animation or not is_animated]
    first, *others = (*fitting, family)
    return Choice(first, others[0] if first is Format.AVIF else None)


def _family(info: ImageInfo, *, keeps_alpha: bool) -> Format:
    """What every browser shows: the original's own format, or the nearest."""
    if info.format in _SHOWN_BY_ALL:
        return info.format
    if info.frames > 1:
        return Format.GIF
    return Format.PNG if keeps_alpha or info.format is Format.SVG else Format.JPEG


_SHOWN_BY_ALL = (Format.JPEG, Format.PNG, Format.GIF)

_PREFERRED: Mapping[Accepted, tuple[Format, ...]] = MappingProxyType(
    {
        Accepted.NEITHER: (),
        Accepted.WEBP: (Format.WEBP,),
        Accepted.AVIF: (Format.AVIF,),
        Accepted.BOTH: (Format.AVIF, Format.WEBP),
    }
)

# A comma or semicolon in quotes parts nothing; quotes that are never closed reach to the end.
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_RANGE = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")
_WEIGHT = re.compile(rb"q=(?P<ones>[01])(?:\.(?P<thousandths>[0-9]{0,3}))?")


@lru_cache(_REMEMBERED)
def _read_accept(header: bytes) -> Accepted:
    weights = _read_weights(header)
    avif, webp = (weights.get(_media_type(output), 0) for output in (Format.AVIF, Format.WEBP))
    family = min(_weight_of(output, weights) for output in _SHOWN_BY_ALL)
    has_avif = avif > 0 and avif >= webp and avif >= family
    has_webp = webp > 0 and webp >= family
    if has_avif:
        return Accepted.BOTH if has_webp else Accepted.AVIF
    return Accepted.WEBP if has_webp else Accepted.NEITHER


def _read_weights(header: bytes) -> dict[bytes, int]:
    """Thousandths by media range in lower case; of one that is named twice the lesser."""
    weights: dict[bytes, int] = {}
    for entry in _QUOTED.sub(b'""', header).lower().split(b","):
        name, *parameters = (part.strip(b" \t") for part in entry.split(b";"))
        weight = _read_weight(parameters)
        if weight is not None and _RANGE.fullmatch(name):
            weights[name] = min(weight, weights.get(name, weight))
    return weights


def _read_weight(parameters: list[bytes]) -> int | None:
    """1000 without one; what follows it is RFC 7231's accept-ext and says nothing. None: malformed, or narrower."""
    given = [one for one in parameters if one]
    if not given:
        return 1000
    match = _WEIGHT.fullmatch(given[0])
    if match is None:
        return None
    weight = 1000 * int(match["ones"]) + int((match["thousandths"] or b"").ljust(3, b"0"))
    return weight if weight <= 1000 else None


def _weight_of(output: Format, weights: Mapping[bytes, int]) -> int:
    """By the most specific range that is there."""
    ranges = (_media_type(output), b"image/*", b"*/*")
    return next((weights[name] for name in ranges if name in weights), 0)


def _media_type(output: Format) -> bytes:
    return FORMATS[output].media_type.encode()
