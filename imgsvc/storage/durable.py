"""Files that are whole or not there, whatever dies in between."""

import os
from pathlib import Path


def sync_file(path: Path) -> None:
    _sync(path, os.O_RDONLY)


def rename_durably(source: Path, target: Path) -> None:
    """The file's bytes, its name and the folders above it are on the disk when this returns.

    Both must lie in one file system. An existing target is replaced in one step.
    """
    sync_file(source)
    made: list[Path] = []
    folder = target.parent
    while not folder.exists():
        made.append(folder)
        folder = folder.parent
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    for folder in (target.parent, *(one.parent for one in made)):
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
