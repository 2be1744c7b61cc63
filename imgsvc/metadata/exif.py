"""An EXIF block, or a TIFF file, which is built alike: its directories, walked once each."""

import struct
from collections.abc import Callable, Mapping

from imgsvc.metadata.exif_tags import (
    COLOUR_PROFILE,
    EXIF_TAGS,
    GPS_DIRECTORY,
    INTEROP_DIRECTORY,
    INTEROP_TAGS,
    IPTC_RECORDS,
    PHOTOSHOP_RESOURCES,
    SUB_DIRECTORY,
    THUMBNAIL_LENGTH,
    THUMBNAIL_OFFSET,
    XMP_PACKET,
    TagRow,
)
from imgsvc.metadata.gps_tags import GPS_TAGS
from imgsvc.metadata.icc import read_icc
from imgsvc.metadata.ifd import Entry, Order, read_directory, read_field, read_order
from imgsvc.metadata.iptc import read_iptc, read_photoshop
from imgsvc.metadata.printing import binary_text
from imgsvc.metadata.source import READ_BYTES, Source
from imgsvc.metadata.tags import Rank, Tags
from imgsvc.metadata.xmp import read_xmp

MAX_DIRECTORIES = 256
"""Of one block; the pages behind stay unread."""

MAX_DEPTH = 3
"""Main, EXIF, interoperability: EXIF 2.32, 4.5.5; one more for those who nest them otherwise."""

_SUB_DIRECTORIES: Mapping[int, Mapping[int, TagRow]] = {
    SUB_DIRECTORY: EXIF_TAGS,
    GPS_DIRECTORY: GPS_TAGS,
    INTEROP_DIRECTORY: INTEROP_TAGS,
}

# Of strips and tiles: a block within a file has no pixels.
_OFFSETS = (0x0111, 0x0144)

_BLOCKS: Mapping[int, Callable[[bytes, Tags], None]] = {
    XMP_PACKET: read_xmp,
    IPTC_RECORDS: read_iptc,
    PHOTOSHOP_RESOURCES: read_photoshop,
    COLOUR_PROFILE: read_icc,
}


def read_exif(source: Source, tags: Tags, *, base: int = 0) -> None:
    """`base` is where in the file the block begins. Raises ValueError where it is no TIFF structure."""
    _follow(source, tags, base=base, is_file=False)


def read_tiff(source: Source, tags: Tags) -> None:
    """As `read_exif`, but the second directory is a page, not a thumbnail."""
    _follow(source, tags, base=0, is_file=True)


def _follow(source: Source, tags: Tags, *, base: int, is_file: bool) -> None:
    order, at = read_order(source)
    tags.add("ExifByteOrder", "Little-endian (Intel, II)" if order == "<" else "Big-endian (Motorola, MM)")
    _Walk(source, tags, order, base=base, is_file=is_file).follow(at)


class _Walk:
    """Remembers which directories have been read: offsets that lead back end the walk."""

    def __init__(self, source: Source, tags: Tags, order: Order, *, base: int, is_file: bool) -> None:
        self._source = source
        self._tags = tags
        self._order: Order = order
        self._base = base
        self._is_file = is_file
        self._seen: set[int] = set()

    def follow(self, at: int) -> None:
        """The chain of main directories; what of it cannot be read is left out."""
        number = 0
        while at:
            is_thumbnail = number == 1 and not self._is_file
            at = self._read(at, EXIF_TAGS, Rank.LOW if is_thumbnail else Rank.USUAL)
            number += 1

    def _read(self, at: int, rows: Mapping[int, TagRow], rank: Rank, depth: int = 0) -> int:
        """Returns where the next directory of the chain lies, 0 for none."""
        if at in self._seen or len(self._seen) >= MAX_DIRECTORIES or depth > MAX_DEPTH:
            return 0
        self._seen.add(at)
        try:
            directory = read_directory(self._source, at, self._order)
        except ValueError:
            return 0
        for entry in directory.entries:
            try:
                self._read_entry(entry, rows, rank, depth)
            except ValueError:
                continue
        self._read_thumbnail({entry.tag: entry for entry in directory.entries}, rank)
        return directory.following

    def _read_entry(self, entry: Entry, rows: Mapping[int, TagRow], rank: Rank, depth: int) -> None:
        if entry.tag in _SUB_DIRECTORIES and rows is EXIF_TAGS:
            self._read(self._offset(entry), _SUB_DIRECTORIES[entry.tag], rank, depth + 1)
            return
        if entry.tag in _BLOCKS and rows is EXIF_TAGS:
            _BLOCKS[entry.tag](read_field(self._source, entry, self._order, limit=READ_BYTES).data, self._tags)
            return
        row = rows.get(entry.tag)
        if row is None or (entry.tag in _OFFSETS and not self._is_file):
            return
        text = row.print(read_field(self._source, entry, self._order))
        if text is not None:
            self._tags.add(row.name, text, min(row.rank, rank))

    def _read_thumbnail(self, entries: Mapping[int, Entry], rank: Rank) -> None:
        if THUMBNAIL_OFFSET not in entries or THUMBNAIL_LENGTH not in entries:
            return
        try:
            offset, length = (self._offset(entries[tag]) for tag in (THUMBNAIL_OFFSET, THUMBNAIL_LENGTH))
        except ValueError:
            return
        self._tags.add("ThumbnailOffset", str(self._base + offset), rank)
        self._tags.add("ThumbnailLength", str(length), rank)
        if length and offset + length <= self._source.size:
            self._tags.add("ThumbnailImage", binary_text(length), rank)

    def _offset(self, entry: Entry) -> int:
        data = read_field(self._source, entry, self._order).data
        if len(data) != 4:
            raise ValueError(entry.tag)
        return struct.unpack(self._order + "I", data)[0]
