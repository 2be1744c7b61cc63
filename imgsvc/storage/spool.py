"""Incoming bytes on their way to a store: hashed and counted while they are written."""

import zlib
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from imgsvc.core.assets import Digest
from imgsvc.core.errors import PayloadTooLarge, StoreFailure
from imgsvc.core.formats import SNIFFED_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """A complete file at `path`, not yet kept. `length` in bytes; `head` is what sniffing needs."""

    path: Path
    digest: Digest
    md5: str
    crc32: int
    length: int
    head: bytes


class Spool:
    """A file being written. Leaving the context removes it unless a store has moved it away. All methods block."""

    def __init__(self, path: Path, *, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._length = 0
        self._head = b""
        self._sha256 = sha256()
        self._md5 = md5(usedforsecurity=False)
        self._crc32 = 0

    def __enter__(self) -> Self:
        try:
            self._file = open(self._path, "xb", buffering=0)
        except OSError as error:
            raise StoreFailure("The file could not be stored.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Raises PayloadTooLarge, StoreFailure."""
        self._length += len(chunk)
        if self._length > self._limit:
            raise PayloadTooLarge(f"The file is larger than {self._limit} bytes, the most that is taken in.")
        if len(self._head) < SNIFFED_BYTES:
            self._head += chunk[: SNIFFED_BYTES - len(self._head)]
        self._sha256.update(chunk)
        self._md5.update(chunk)
        self._crc32 = zlib.crc32(chunk, self._crc32)
        try:
            while chunk:
                chunk = chunk[self._file.write(chunk) :]
        except OSError as error:
            raise StoreFailure("The file could not be stored.") from error

    def finish(self) -> Spooled:
        return Spooled(
            path=self._path,
            digest=Digest(self._sha256.hexdigest()),
            md5=self._md5.hexdigest(),
            crc32=self._crc32,
            length=self._length,
            head=self._head,
        )
