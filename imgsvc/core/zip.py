"""The bytes of a zip archive besides its members' contents, and the names that members have in it.

After PKWARE's APPNOTE 6.3.10, whose sections are cited. Members are stored, with length and CRC-32 in the header before
them: where both are known beforehand so is every byte's place, and a reader of a stream needs no data descriptor, which
Java's refuses behind stored members.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple
from unicodedata import normalize

REPORT_NAME = "errors.txt"
"""Of the member that names what is not in the archive; `safe_names` gives it to no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipEntry:
    """A member. `name` as `safe_names` gives it, `length` in bytes, `modified` aware of its zone."""

    name: str
    length: int
    crc32: int
    modified: datetime


class ZipDirectory:
    """What stands behind the last member; grows with the archive, by about 60 bytes a member and its name."""

    def __init__(self) -> None:
        self._records = bytearray()
        self._count = 0
        self.offset = 0
        """Length of the archive so far."""

    def add(self, entry: ZipEntry) -> bytes:
        """The member's header, to be written before its content (4.3.7, 4.3.12)."""
        name, length, offset = entry.name.encode(), entry.length, self.offset
        time = _timestamp_extra(entry.modified)
        common = (
            0 if entry.name.isascii() else _UTF8,
            _STORED,
            *_dos_time(entry.modified),
            entry.crc32,
            *(min(length, _MAX32),) * 2,
            len(name),
        )
        # The header has both lengths or none, the record what does not fit (4.5.3).
        lengths = (length, length) if length >= _MAX32 else ()
        extra = _zip64_extra(*lengths)
        needed = _VERSION_ZIP64 if extra else _VERSION
        header = _HEADER.pack(b"PK\3\4", needed, *common, len(extra) + len(time)) + name + extra + time
        if offset >= _MAX32:
            extra, needed = _zip64_extra(*lengths, offset), _VERSION_ZIP64
        self._records += _RECORD.pack(
            *(b"PK\1\2", _MADE_BY, needed, *common, len(extra) + len(time)),
            *(0, 0, 0, _PLAIN_FILE, min(offset, _MAX32)),
        )
        self._records += name + extra + time
        self._count += 1
        self.offset += len(header) + length
        return header

    def finish(self) -> bytes:
        """The directory and what ends the archive, to be written behind the last content (4.3.12 to 4.3.16)."""
        count, length, offset = self._count, len(self._records), self.offset
        end = _END.pack(b"PK\5\6", 0, 0, *(min(count, _MAX16),) * 2, min(length, _MAX32), min(offset, _MAX32), 0)
        if count < _MAX16 and length < _MAX32 and offset < _MAX32:
            return b"%b%b" % (self._records, end)
        # The record's own length leaves out its first twelve bytes.
        record = _ZIP64_END.pack(
            *(b"PK\6\6", _ZIP64_END.size - 12, _MADE_BY, _VERSION_ZIP64, 0, 0, count, count, length, offset)
        )
        locator = _ZIP64_LOCATOR.pack(b"PK\6\7", 0, offset + length, 1)
        return b"%b%b%b%b" % (self._records, record, locator, end)


class Part(StrEnum):
    HEADER = "header"
    CONTENT = "content"
    DIRECTORY = "directory"


class Piece(NamedTuple):
    """Bytes `start` to `stop` of one part, `entry` its number; the directory counts as the one behind the last."""

    part: Part
    entry: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipLayout:
    """Where every byte of an archive lies. `starts`: of each entry's header, and at last of the directory.

    Equal directories mean equal archives, as far as a CRC-32 can tell.
    """

    entries: Sequence[ZipEntry]
    headers: Sequence[bytes]
    starts: Sequence[int]
    directory: bytes

    @property
    def length(self) -> int:
        return self.starts[-1] + len(self.directory)

    def pieces(self, start: int, stop: int) -> Iterator[Piece]:
        """What the bytes `start` to `stop` of the archive are made of, in order; none of it is empty."""
        for index in range(bisect_right(self.starts, start) - 1, len(self.entries)):
            header_at, end = self.starts[index], self.starts[index + 1]
            if header_at >= stop:
                return
            content_at = end - self.entries[index].length
            if start < content_at:
                yield Piece(Part.HEADER, index, max(start - header_at, 0), min(stop, content_at) - header_at)
            if max(start, content_at) < min(stop, end):
                yield Piece(Part.CONTENT, index, max(start - content_at, 0), min(stop, end) - content_at)
        directory_at = self.starts[-1]
        first, last = max(start, directory_at), min(stop, self.length)
        if first < last:
            yield Piece(Part.DIRECTORY, len(self.entries), first - directory_at, last - directory_at)


def make_layout(entries: Sequence[ZipEntry]) -> ZipLayout:
    """Takes some 5 µs an entry."""
    directory, headers, starts = ZipDirectory(), list[bytes](), [0]
    for entry in entries:
        headers.append(directory.add(entry))
        starts.append(directory.offset)
    return ZipLayout(entries=entries, headers=headers, starts=starts, directory=directory.finish())


class FileName(NamedTuple):
    """`name` as a library has it, from any system, with or without folders.

    `extension`, without the dot, is that of the bytes where they are not what the name says; None leaves the name's.
    """

    name: str
    extension: str | None = None


def safe_names(files: Iterable[FileName]) -> list[str]:
    """A member name for each, in order: fit for every file system, and no two equal on any.

    In NFC, at most 255 bytes of UTF-8; they differ even where case and normal form are ignored. The first of several
    equals keeps its name, others get ` (2)`, ` (3)` before the extension. A safe and unique name comes back as it is.
    """
    taken = {_folded(REPORT_NAME)}
    counts: dict[str, int] = {}
    names: list[str] = []
    for file in files:
        stem, extension = _safe_parts(file)
        name = stem + extension
        if _folded(name) in taken:
            # Cut as for the longest number, so that all of one family count on from the same one.
            stem = _cut(stem, _LONGEST - len(extension) - _NUMBER_ROOM)
            family = _folded(stem + extension)
            while _folded(name) in taken:
                counts[family] = counts.get(family, 1) + 1
                name = f"{stem} ({counts[family]}){extension}"
        taken.add(_folded(name))
        names.append(name)
    return names


_MAX16, _MAX32 = 0xFFFF, 0xFFFF_FFFF
"""Stand for what is in a ZIP64 field (4.4.1.4), so they are no value of their own."""

_HEADER = struct.Struct("<4s5H3I2H")
_RECORD = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_ZIP64_END = struct.Struct("<4sQ2H2I4Q")
_ZIP64_LOCATOR = struct.Struct("<4sIQI")

_VERSION, _VERSION_ZIP64 = 10, 45
_MADE_BY = 3 << 8 | _VERSION_ZIP64
"""Unix (4.4.2), so that the mode below is understood."""

_PLAIN_FILE = 0o100644 << 16
_UTF8 = 1 << 11
"""Appendix D. Set where it makes a difference: there are readers that refuse what they need not understand."""

_STORED = 0


def _dos_time(moment: datetime) -> tuple[int, int]:
    """Time and date, in UTC: the field knows no zone, the timestamp beside it does (4.4.6)."""
    utc = moment.astimezone(UTC)
    if utc.year < 1980:
        return 0, 1 << 5 | 1
    if utc.year > 2107:
        return 23 << 11 | 59 << 5 | 29, 127 << 9 | 12 << 5 | 31
    return utc.hour << 11 | utc.minute << 5 | utc.second // 2, (utc.year - 1980) << 9 | utc.month << 5 | utc.day


def _timestamp_extra(moment: datetime) -> bytes:
    """Info-ZIP's extended timestamp (extrafld.txt, 0x5455): seconds of modification alone, while they are 31 bit."""
    seconds = int(moment.timestamp())
    return struct.pack("<HHBI", 0x5455, 5, 1, seconds) if 0 <= seconds < 1 << 31 else b""


def _zip64_extra(*values: int) -> bytes:
    """In the order of 4.5.3, those whose field says that they are here."""
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""


_LONGEST = 255
"""Bytes of a name that every file system takes."""

_NUMBER_ROOM = len(" (9999999)")

_EXTENSION = re.compile(r"\.(?=[0-9]*[a-z])[a-z0-9]{1,10}\Z", re.ASCII | re.IGNORECASE)
"""What is cut off for another: not the end of `Dr. Martens` or `Shirt v1.5`."""

_UNSAFE = re.compile(
    r"""[<>:"|?*\x00-\x1f\x7f-\x9f]      # Windows: "Naming Files, Paths, and Namespaces"; control characters
    | [\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]  # directions, which can make `gpj.exe` look like `exe.jpg`
    | [\ud800-\udfff]                    # surrogates, which have no UTF-8""",
    re.VERBOSE,
)
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³"}
)
"""Whatever extensions follow (the same page)."""


def _safe_parts(file: FileName) -> tuple[str, str]:
    """Stem, not empty, and extension, with its dot or empty; together no longer than a name may be."""
    last = file.name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = _UNSAFE.sub("_", normalize("NFC", last))
    # Neither hidden, nor an option of the program that is given it, nor cut by Windows.
    name = name.lstrip(" .-").rstrip(" .") or "file"
    found = _EXTENSION.search(name)
    stem, extension = (name[: found.start()], found[0]) if found else (name, "")
    if file.extension is not None:
        extension = f".{file.extension}"
    room = _LONGEST - len(extension)
    stem = _cut(stem, room)
    if stem.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        stem = _cut(f"_{stem}", room)
    return stem, extension


def _cut(stem: str, room: int) -> str:
    """To at most that many bytes, whole characters."""
    encoded = stem.encode()
    return stem if len(encoded) <= room else encoded[:room].decode(errors="ignore").rstrip(" .")


def _folded(name: str) -> str:
    """Equal where a file system may take names for equal (Unicode 3.13, D145: canonical caseless matching)."""
    return name.lower() if name.isascii() else normalize("NFD", normalize("NFD", name).casefold())
