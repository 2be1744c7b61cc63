"""Ranges of RFC 9110, section 14, and the bodies of several of them (section 14.6): pure functions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_UNIT = re.compile(r"[ \t]*bytes=(?P<ranges>.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_RANGE = re.compile(r"(?P<first>[0-9]*)-(?P<last>[0-9]*)", re.ASCII)
_DIGITS = 18
"""Of a number that is compared as it stands; a longer one is behind every body's end."""

_MOST_RANGES = 16
"""In one request; who asks for more is sent the whole (section 14.2)."""

_NEAR = 128
"""Bytes between two ranges that cost less to send than another part's head (section 15.3.7.2)."""


class ByteRange(NamedTuple):
    """Of a body: the first byte and the one behind the last."""

    start: int
    stop: int


class UnsatisfiableRange(Exception):
    """Nothing of the body lies in the ranges asked for: 416."""


def select_ranges(header: str | None, *, length: int) -> Sequence[ByteRange]:
    """What to answer with 206, in the order asked for; none for the whole body. No byte is in two of them.

    Ranges that overlap, or lie near each other, become one. What is malformed, of other units, or too many is ignored,
    as section 14.2 allows. Raises UnsatisfiableRange.
    """
    match = None if header is None else _UNIT.fullmatch(header)
    if match is None:
        return ()
    texts = [text for text in (one.strip(" \t") for one in match["ranges"].split(",")) if text]
    specified = [_RANGE.fullmatch(text) for text in texts]
    if not texts or None in specified:
        return ()
    asked: list[ByteRange] = []
    for one in filter(None, specified):
        bounds = _bounds(one["first"], one["last"], length)
        if bounds is None:
            return ()
        asked.append(bounds)
    present = [one for one in asked if one.start < one.stop]
    if not present:
        raise UnsatisfiableRange
    return _united(present) if len(asked) <= _MOST_RANGES else ()


def select_range(header: str | None, *, length: int) -> ByteRange | None:
    """For what is answered with one part alone: where several are left, the whole body. Raises UnsatisfiableRange."""
    selected = select_ranges(header, length=length)
    return selected[0] if len(selected) == 1 else None


def content_range(part: ByteRange, length: int) -> str:
    """Section 14.4."""
    return f"bytes {part.start}-{part.stop - 1}/{length}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipart:
    """A body of several ranges: before each a head, behind all a tail.

    `boundary`: by chance, so that no upload can hold it. `media_type` and `whole`, bytes, are the whole body's.
    """

    ranges: Sequence[ByteRange]
    boundary: str
    media_type: str
    whole: int

    @property
    def content_type(self) -> str:
        return f"multipart/byteranges; boundary={self.boundary}"

    @property
    def length(self) -> int:
        """Of all of it, bytes."""
        return sum(len(one) if isinstance(one, bytes) else one.stop - one.start for one in self.pieces())

    def pieces(self) -> Sequence[bytes | ByteRange]:
        """What is to be sent: as it stands, or of the whole body."""
        pieces: list[bytes | ByteRange] = []
        for one in self.ranges:
            delimiter = f"\r\n--{self.boundary}" if pieces else f"--{self.boundary}"
            fields = f"Content-Type: {self.media_type}\r\nContent-Range: {content_range(one, self.whole)}"
            pieces += (f"{delimiter}\r\n{fields}\r\n\r\n".encode(), one)
        return [*pieces, f"\r\n--{self.boundary}--\r\n".encode()]


def _bounds(first: str, last: str, length: int) -> ByteRange | None:
    """An empty range where nothing of it is there; None where it cannot be meant (section 14.1.1)."""
    if not first:
        return ByteRange(max(0, length - _number(last)), length) if last else None
    start, stop = _number(first), _number(last) + 1 if last else length
    if last and stop <= start:
        return None
    return ByteRange(min(start, length), min(stop, length))


def _number(digits: str) -> int:
    """int() would refuse thousands of digits, and read them slowly."""
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _DIGITS else 10**_DIGITS


def _united(ranges: Sequence[ByteRange]) -> Sequence[ByteRange]:
    """Each takes the place of the first that it is made of."""
    united: list[ByteRange] = []
    for one in ranges:
        near = [other for other in united if one.start <= other.stop + _NEAR and other.start <= one.stop + _NEAR]
        if near:
            place = united.index(near[0])
            whole = ByteRange(min(one, *near).start, max(other.stop for other in (one, *near)))
            united = [other for other in united if other not in near]
            united.insert(place, whole)
        else:
            united.append(one)
    return united
