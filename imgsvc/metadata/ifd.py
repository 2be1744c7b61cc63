"""The directories of TIFF 6.0, section 2, as files and EXIF blocks hold them."""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from imgsvc.metadata.printing import numbers_text, rounded, text_before_nul, text_from_utf8
from imgsvc.metadata.source import Source

Order: TypeAlias = Literal["<", ">"]

ASCII, UNDEFINED = 2, 7

MAX_ENTRIES = 512
"""Of one directory. TIFF demands no bound; what cameras write stays below 100."""

MAX_VALUE = 1 << 16
"""Bytes of an ordinary field; a longer one is left out."""

_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_FRACTIONS = {5: "I", 10: "i"}
_LENGTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Twelve bytes of a directory; `at` is where the value lies."""

    tag: int
    kind: int
    length: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A value with its type (TIFF 6.0, section 2, `Types`)."""

    kind: int
    data: bytes
    order: Order

    @property
    def numbers(self) -> tuple[float, ...]:
        """Nothing for texts. A fraction over zero is infinite, or not a number."""
        if self.kind in _FRACTIONS:
            parts = self._unpack(_FRACTIONS[self.kind])
            return tuple(_fraction(top, below) for top, below in zip(parts[::2], parts[1::2], strict=False))
        code = _CODES.get(self.kind)
        return self._unpack(code) if code else ()

    @property
    def text(self) -> str:
        if self.kind == ASCII:
            return text_before_nul(self.data)
        if self.kind == UNDEFINED:
            return text_from_utf8(self.data)
        return numbers_text(self.numbers)

    def _unpack(self, code: str) -> tuple[float, ...]:
        count = len(self.data) // struct.calcsize(code)
        return struct.unpack_from(f"{self.order}{count}{code}", self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """`following` is where the next one of the chain lies, 0 for none."""

    entries: tuple[Entry, ...]
    following: int


def read_order(source: Source) -> tuple[Order, int]:
    """Byte order, and where the first directory lies. Raises ValueError where this is no TIFF; BigTIFF is none."""
    head = source.read(0, 8)
    order: Order
    if head[:4] == b"II*\0":
        order = "<"
    elif head[:4] == b"MM\0*":
        order = ">"
    else:
        raise ValueError(head)
    return order, struct.unpack(order + "I", head[4:])[0]


def read_directory(source: Source, at: int, order: Order) -> Directory:
    """Entries of unknown type are left out. Raises ValueError where the directory is not all there."""
    count = struct.unpack(order + "H", source.read(at, 2))[0]
    if not 0 < count <= MAX_ENTRIES:
        raise ValueError(count)
    table = source.peek(at + 2, count * 12 + 4)
    if len(table) < count * 12:
        raise ValueError(at)
    following = struct.unpack(order + "I", table[count * 12 :])[0] if len(table) == count * 12 + 4 else 0
    return Directory(entries=tuple(_entries(table[: count * 12], at + 2, order)), following=following)


def read_field(source: Source, entry: Entry, order: Order, *, limit: int = MAX_VALUE) -> Field:
    """Raises ValueError where the value is longer than `limit`, or not all there."""
    if entry.length > limit:
        raise ValueError(entry.length)
    return Field(kind=entry.kind, data=source.read(entry.at, entry.length), order=order)


def _entries(table: bytes, start: int, order: Order) -> Iterator[Entry]:
    for at in range(0, len(table), 12):
        tag, kind, count, offset = struct.unpack_from(order + "HHII", table, at)
        if kind in _LENGTHS:
            length = count * _LENGTHS[kind]
            # Up to four bytes stand in the entry itself.
            yield Entry(tag=tag, kind=kind, length=length, at=start + at + 8 if length <= 4 else offset)


def _fraction(top: float, below: float) -> float:
    if below:
        return rounded(top / below, 10)
    return math.copysign(math.inf, top) if top else math.nan
