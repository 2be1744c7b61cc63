"""Originals under their digests: what a store must do, and the local one."""

from pathlib import Path
from typing import Protocol
from uuid import uuid4

from imgsvc.core.assets import Digest
from imgsvc.core.errors import StoreFailure
from imgsvc.storage.durable import rename_durably


class BlobStore(Protocol):
    """Bytes that never change under a name that is their digest. All methods may block; call them off the loop."""

    def spool_path(self) -> Path:
        """A fresh local path to write incoming bytes to; whoever asked removes it unless `keep` took it."""
        ...

    def keep(self, spooled: Path, digest: Digest) -> None:
        """Durable under `digest` when this returns, and `spooled` is gone. Equal bytes are kept once.

        Raises StoreFailure.
        """
        ...

    def local_path(self, digest: Digest) -> Path:
        """Where a renderer reads it on this host."""
        ...


class LocalBlobs:
    """Plain files, `ab/cd/abcd…` below `root`.

    Written by rename after fsync, which object-store clients' local back-ends do not do.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"

    def spool_path(self) -> Path:
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailure("Originals cannot be stored at the moment.") from error
        return self._incoming / uuid4().hex

    def keep(self, spooled: Path, digest: Digest) -> None:
        """What lies there already is replaced by the same bytes, which mends it where it is damaged."""
        try:
            rename_durably(spooled, self.local_path(digest))
        except OSError as error:
            raise StoreFailure("The original could not be stored.") from error

    def local_path(self, digest: Digest) -> Path:
        return self._root / digest[:2] / digest[2:4] / digest
