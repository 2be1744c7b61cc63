"""One file out of a multipart/form-data body (RFC 7578), written to disk as it arrives."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from imgsvc.core.errors import InvalidParameter, PayloadTooLarge
from imgsvc.storage.blobs import BlobStore
from imgsvc.storage.spool import Spool, Spooled

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_HOP = 1 << 20
"""Bytes gathered before a thread writes and hashes them."""

_MAX_HEAD = 16 * 1024
"""Bytes of one part's header fields, and of all fields that are no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """`name` is the file name as the client gave it, from any system, with or without folders.

    `fields` are the parts that are no file, by name; the last of a name.
    """

    name: str
    spooled: Spooled
    fields: Mapping[str, str]


@asynccontextmanager
async def spooled_upload(request: Request, *, part: str, blobs: BlobStore, limit: int) -> AsyncGenerator[Upload]:
    """The one file of the body, which must stand in the part of that name; gone afterwards unless a store kept it.

    `limit` in bytes. Raises InvalidParameter (no file, more than one, not multipart), PayloadTooLarge, StoreFailure.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidParameter(
            "Content-Type",
            expected="multipart/form-data with a boundary",
            received=request.headers.get("content-type", ""),
        )
    if int(request.headers.get("content-length", "0")) > limit + _MAX_HEAD:
        # Said before the client sends it all.
        raise PayloadTooLarge(f"The file is larger than {limit} bytes, the most that is taken in.")
    path = await to_thread.run_sync(blobs.spool_path)
    with Spool(path, limit=limit) as spool:
        parts = _Parts(part)
        try:
            parser = MultipartParser(boundary, parts.callbacks())
            async for chunk in request.stream():
                parser.write(chunk)
                if parts.gathered >= _HOP:
                    await to_thread.run_sync(spool.write, parts.take())
            parser.finalize()
        except ClientDisconnect as error:
            raise InvalidParameter("body", expected="complete multipart/form-data", received="a part of it") from error
        except FormParserError as error:
            raise InvalidParameter("body", expected="well-formed multipart/form-data", received="") from error
        await to_thread.run_sync(spool.write, parts.take())
        yield Upload(name=parts.file_name(), spooled=spool.finish(), fields=parts.fields())


class _Parts:
    """Follows the parser. Callbacks come for pieces of any size, so each gathers until its end is announced."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._field = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_length = 0
        self._names: list[str] = []
        self._fields: dict[str, bytes] = {}
        self._in_field = ""
        self._in_file = False
        self._pieces: list[bytes] = []
        self._is_whole = False
        self.gathered = 0

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def take(self) -> bytes:
        """What of the file has come since the last call."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.gathered = 0
        return taken

    def file_name(self) -> str:
        """Raises InvalidParameter where there is no file, or the body broke off."""
        if not self._is_whole:
            raise InvalidParameter("body", expected="complete multipart/form-data", received="a part of it")
        if not self._names:
            raise InvalidParameter(self._part, expected="one file", received="no file")
        return self._names[0]

    def fields(self) -> Mapping[str, str]:
        return {name: value.decode("utf-8", "replace") for name, value in self._fields.items()}

    def _begin(self) -> None:
        self._headers.clear()
        self._in_file = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += self._bounded(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._bounded(data[start:end])

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        file_name = options.get(b"filename")
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if file_name is None:
            self._in_field = name
            self._fields[name] = b""
            return
        if name != self._part:
            raise InvalidParameter("part", expected=f"named {self._part}", received=name)
        if self._names:
            raise InvalidParameter(self._part, expected="one file", received="more than one")
        self._names.append(file_name.decode("utf-8", "replace"))
        self._in_file = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._in_file:
            self._fields[self._in_field] += self._bounded(data[start:end])
            return
        self._pieces.append(data[start:end])
        self.gathered += end - start

    def _end(self) -> None:
        self._is_whole = True

    def _bounded(self, piece: bytes) -> bytes:
        self._head_length += len(piece)
        if self._head_length > _MAX_HEAD:
            raise InvalidParameter("body", expected="a file and little else", received="more than that")
        return piece
