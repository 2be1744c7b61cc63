"""Files that are whole or not there, whatever dies in between."""

import os
from pathlib import Path


def sync_file(path: Path) -> None:
    _sync(path, os.O_RDONLY)


def rename_durably(source: Path, target: Path) -> None:
    """The file's bytes and its name are on the disk when this returns; folders are made, see `sync_folder`.

    Both must lie in one file system. An existing target is replaced in one step.
    """
    sync_file(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    sync_folder(target.parent)


def sync_folder(path: Path) -> None:
    """The names in it are on the disk when this returns."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
