"""Many files as one zip, streamed: a few are loaded ahead, all go out in order, and little is held of any.

Where length and CRC-32 of all are known beforehand so is the archive's every byte: it has a length and can be resumed.
Else it grows as its members come, and closes with a report of those that did not.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from zlib import crc32

import anyio
from anyio import to_thread

from imgsvc.core.errors import ImgsvcError
from imgsvc.core.zip import (
    REPORT_NAME,
    FileName,
    Part,
    Piece,
    ZipDirectory,
    ZipEntry,
    ZipLayout,
    make_layout,
    safe_names,
)
from imgsvc.service.delivery import Body
from imgsvc.service.members import HOP, Arrival, Member, Sleep, load_in_order, read_part

AHEAD = 4
"""Batches under way at once: renders for the workers of a small host, or at most 4 MB of what lies there."""


class KnownArchive:
    """All of it is known but the contents themselves."""

    def __init__(self, members: Sequence[Member], layout: ZipLayout, *, ahead: int, sleep: Sleep) -> None:
        self.layout = layout
        self._members = members
        self._ahead = ahead
        self._sleep = sleep

    async def stream(self, start: int, stop: int) -> AsyncGenerator[bytes]:
        """Those bytes of it; members that lie outside are not touched. Who asked closes it.

        Raises OSError where a content cannot be had as promised: breaking off is the only honest end then.
        """
        layout, gathered = self.layout, list[bytes]()
        pieces = layout.pieces(start, stop)
        members = (self._members[piece.entry] for piece in layout.pieces(start, stop) if piece.part is Part.CONTENT)
        async with aclosing(load_in_order(members, ahead=self._ahead, sleep=self._sleep)) as arrivals:
            async for batch in arrivals:
                for arrival in batch:
                    content = _gather_to_content(gathered, pieces, layout)
                    body = _as_promised(arrival, layout.entries[content.entry])
                    for at in range(content.start, content.stop, HOP):
                        if at > content.start:
                            yield _taken(gathered)
                        gathered.append(await read_part(body, at, min(at + HOP, content.stop)))
                yield _taken(gathered)
        gathered += (_known_bytes(piece, layout) for piece in pieces)
        if gathered:
            yield _taken(gathered)


class GrowingArchive:
    """Of some members it is not known how long they will be. `names` are theirs in the archive."""

    def __init__(self, members: Sequence[Member], names: Sequence[str], *, ahead: int, sleep: Sleep) -> None:
        self._members = members
        self._names = names
        self._ahead = ahead
        self._sleep = sleep

    async def stream(self) -> AsyncGenerator[bytes]:
        """All of it. Who asked closes it.

        A member that cannot be loaded is left out; one that breaks off is filled with zeros to the length its header
        tells, and its CRC-32 gives it away. `core.zip.REPORT_NAME`, the last member, names both.
        """
        directory, gathered, failures = ZipDirectory(), list[bytes](), dict[str, str]()
        named = zip(self._members, self._names, strict=True)
        async with aclosing(load_in_order(self._members, ahead=self._ahead, sleep=self._sleep)) as arrivals:
            async for batch in arrivals:
                for arrival in batch:
                    member, name = next(named)
                    if isinstance(arrival, ImgsvcError):
                        failures[name] = _failure(member, name, arrival.detail)
                        continue
                    body = arrival.body
                    entry = ZipEntry(name=name, length=body.length, crc32=arrival.crc32, modified=member.modified)
                    gathered.append(directory.add(entry))
                    for at in range(0, body.length, HOP):
                        if at > 0:
                            yield _taken(gathered)
                        stop = min(at + HOP, body.length)
                        try:
                            gathered.append(await read_part(body, at, stop))
                        except OSError:
                            gathered.append(bytes(stop - at))
                            failures.setdefault(
                                name, _failure(member, name, f"Broken off after {at} of {body.length} bytes.")
                            )
                if gathered:
                    yield _taken(gathered)
        if failures:
            report = "".join(failures.values()).encode()
            newest = max(member.modified for member in self._members)
            entry = ZipEntry(name=REPORT_NAME, length=len(report), crc32=crc32(report), modified=newest)
            gathered += (directory.add(entry), report)
        gathered.append(directory.finish())
        yield _taken(gathered)


async def make_archive(
    members: Sequence[Member], *, ahead: int = AHEAD, sleep: Sleep = anyio.sleep
) -> KnownArchive | GrowingArchive:
    """Names its members in one hop; none is loaded."""
    return await to_thread.run_sync(_make_archive, members, ahead, sleep)


def _make_archive(members: Sequence[Member], ahead: int, sleep: Sleep) -> KnownArchive | GrowingArchive:
    names = safe_names(FileName(member.name, member.extension) for member in members)
    entries = [
        ZipEntry(name=name, length=member.known.length, crc32=member.known.crc32, modified=member.modified)
        for member, name in zip(members, names, strict=True)
        if member.known is not None
    ]
    if len(entries) < len(members):
        return GrowingArchive(members, names, ahead=ahead, sleep=sleep)
    return KnownArchive(members, make_layout(entries), ahead=ahead, sleep=sleep)


def _gather_to_content(gathered: list[bytes], pieces: Iterator[Piece], layout: ZipLayout) -> Piece:
    """The next piece that is a content; what stands before it is gathered."""
    for piece in pieces:
        if piece.part is Part.CONTENT:
            return piece
        gathered.append(_known_bytes(piece, layout))
    raise AssertionError("there are as many contents as members that are loaded")


def _known_bytes(piece: Piece, layout: ZipLayout) -> bytes:
    """Of a header or the directory."""
    whole = layout.directory if piece.part is Part.DIRECTORY else layout.headers[piece.entry]
    return whole[piece.start : piece.stop]


def _as_promised(arrival: Arrival, entry: ZipEntry) -> Body:
    """Raises OSError."""
    if isinstance(arrival, ImgsvcError):
        raise OSError("a content could not be loaded") from arrival
    if (arrival.body.length, arrival.crc32) != (entry.length, entry.crc32):
        raise OSError("a content is not the one that was promised")
    return arrival.body


def _failure(member: Member, name: str, detail: str) -> str:
    """A line of the report, whatever is in the names: the library's, and the archive's where that is another."""
    called = member.name if name == member.name else f"{member.name} ({name})"
    return "".join(letter if letter.isprintable() else " " for letter in called) + f": {detail}\n"


def _taken(gathered: list[bytes]) -> bytes:
    """In one piece, and no longer gathered."""
    joined = b"".join(gathered)
    gathered.clear()
    return joined
