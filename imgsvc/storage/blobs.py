"""Originals under their digests: what a store must do, and the local one."""

import fcntl
import os
import re
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import time
from typing import Protocol
from uuid import uuid4

from imgsvc.core.assets import Digest
from imgsvc.core.errors import StoreFailure
from imgsvc.storage.durable import rename_durably, sync_folder


class BlobStore(Protocol):
    """Bytes that never change under a name that is their digest. All methods may block; call them off the loop."""

    def spool_path(self) -> Path:
        """A fresh local path to write incoming bytes to; whoever asked removes it unless `keep` took it."""
        ...

    def clear_spool(self, *, older_than: float) -> None:
        """Removes what was spooled so many seconds ago, or earlier, by whoever died meanwhile. Raises StoreFailure."""
        ...

    def keep(self, spooled: Path, digest: Digest) -> None:
        """Durable under `digest` when this returns, and `spooled` is gone. Equal bytes are kept once.

        Raises StoreFailure.
        """
        ...

    def keeping(self) -> AbstractContextManager[None]:
        """While it is held, in whatever process, nothing is freed: what was kept can be entered in the catalogue.

        Raises StoreFailure.
        """
        ...

    def freeing(self) -> AbstractContextManager[None]:
        """Waits until nobody keeps, and lets nobody begin. Raises StoreFailure."""
        ...

    def free(self, digest: Digest) -> None:
        """Under `freeing` alone; what is not there is free already. Who reads it reads on. Raises StoreFailure."""
        ...

    def kept(self) -> Iterator[Digest]:
        """All that is there; what comes or goes meanwhile may be among them or not. Raises StoreFailure."""
        ...

    def local_path(self, digest: Digest) -> Path:
        """Where a renderer reads it on this host."""
        ...


_SHARD = "[0-9a-f]" * 2
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LOCK = "lock"
_TURNSTILE = "turnstile"


class LocalBlobs:
    """Plain files, `ab/cd/abcd…` below `root`.

    Written by rename after fsync, which object-store clients' local back-ends do not do.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._anchored: set[Path] = set()

    def spool_path(self) -> Path:
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailure("Originals cannot be stored at the moment.") from error
        return self._incoming / uuid4().hex

    def clear_spool(self, *, older_than: float) -> None:
        try:
            for path in self._incoming.glob("*"):
                if path.stat().st_mtime < time() - older_than:
                    path.unlink(missing_ok=True)
        except FileNotFoundError:
            # Somebody else clears it, too.
            return
        except OSError as error:
            raise StoreFailure("Originals cannot be removed at the moment.") from error

    def keep(self, spooled: Path, digest: Digest) -> None:
        """What lies there already is replaced by the same bytes, which mends it where it is damaged."""
        try:
            path = self.local_path(digest)
            rename_durably(spooled, path)
            for folder in (path.parent, path.parent.parent, self._root):
                self._anchor(folder)
        except OSError as error:
            raise StoreFailure("The original could not be stored.") from error

    def _anchor(self, folder: Path) -> None:
        """Its own name is on the disk, whoever made it: another upload may have, and not have come to that yet."""
        if folder not in self._anchored:
            sync_folder(folder.parent)
            self._anchored.add(folder)

    @contextmanager
    def keeping(self) -> Generator[None]:
        with self._locked(_TURNSTILE, fcntl.LOCK_EX):
            # A shared lock lets others in past whoever waits for it alone; here everybody queues.
            keeping = self._locked(_LOCK, fcntl.LOCK_SH)
            keeping.__enter__()
        try:
            yield
        finally:
            keeping.__exit__(None, None, None)

    @contextmanager
    def freeing(self) -> Generator[None]:
        with self._locked(_TURNSTILE, fcntl.LOCK_EX), self._locked(_LOCK, fcntl.LOCK_EX):
            yield

    def free(self, digest: Digest) -> None:
        try:
            self.local_path(digest).unlink(missing_ok=True)
        except OSError as error:
            raise StoreFailure("The original could not be removed.") from error

    def kept(self) -> Iterator[Digest]:
        """What is not called by a digest is foreign, and passed over."""
        try:
            for path in self._root.glob(f"{_SHARD}/{_SHARD}/*"):
                if _DIGEST.fullmatch(path.name):
                    yield Digest(path.name)
        except OSError as error:
            raise StoreFailure("Originals cannot be read at the moment.") from error

    @contextmanager
    def _locked(self, name: str, operation: int) -> Generator[None]:
        """The kernel takes the lock back from whoever dies (flock(2)); each holder has a description of its own."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreFailure("Originals cannot be stored at the moment.") from error
        try:
            fcntl.flock(descriptor, operation)
            yield
        finally:
            os.close(descriptor)

    def local_path(self, digest: Digest) -> Path:
        return self._root / digest[:2] / digest[2:4] / digest
