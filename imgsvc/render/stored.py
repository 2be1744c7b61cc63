"""What the broker needs of the caches it writes, and how what a worker has written gets into one."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from imgsvc.core.errors import OriginalLost, StoreFailure
from imgsvc.core.formats import Format
from imgsvc.core.variant import Derivative, Discarded, VariantKey, provisional_key
from imgsvc.render.messages import LevelLost, Render, Written

_log = structlog.get_logger(__name__)

UNSTORED_BYTES = 1 << 20
"""What is taken for the length of something that could not be written anywhere, so that nobody knows it."""


class Cache(Protocol):
    """All methods block briefly; they are called from one thread. A source is an original's file name."""

    def find(self, key: VariantKey) -> Derivative | None: ...
    def find_many(self, keys: Sequence[VariantKey]) -> Mapping[VariantKey, Derivative]: ...
    def has_any(self, source: str) -> bool: ...
    def path(self, derivative: Derivative) -> Path: ...
    def use(self, keys: Sequence[VariantKey]) -> None: ...
    def scratch_path(self) -> Path: ...
    def spare_path(self) -> Path | None: ...
    def admit(self, scratch: Path, derivative: Derivative, *, source: str, seconds: float) -> None: ...
    def relieve(self, length: int) -> bool: ...
    def distrust(self, derivative: Derivative) -> None: ...
    def discard(self, derivative: Derivative) -> None: ...
    def discard_all(self, source: str) -> Discarded: ...
    def label(self, key: VariantKey, label: str) -> None: ...
    def labelled(self, label: str, *, after: VariantKey | None, limit: int) -> Sequence[VariantKey]: ...
    def mark_stale(self, keys: Sequence[VariantKey]) -> int: ...
    def mark_all_stale(self, source: str) -> int: ...


def derivative_from_written(key: VariantKey, output: Format, written: Written) -> Derivative:
    return Derivative(key=key, format=output, length=written.length, crc32=written.crc32, size=written.size)


def admit(cache: Cache, scratch: Path, derivative: Derivative, original: Path, *, seconds: float) -> None:
    """`seconds` is what it takes to make. Raises StoreFailure, and OriginalLost where nothing is left to show it of."""
    cache.admit(scratch, derivative, source=original.name, seconds=seconds)
    if not original.exists():
        # It was freed meanwhile, and what had been made of it discarded; or it was made from a level.
        cache.discard(derivative)
        raise OriginalLost("The original cannot be read at the moment.")


def unless_lost(job: Render, made: Written | LevelLost) -> Written | LevelLost:
    """What was made. Raises StoreFailure where its file is not there any more: somebody took the folder away."""
    if isinstance(made, Written):
        path = job.spare if made.spare and job.spare is not None else job.output
        if not Path(path).exists():
            raise StoreFailure("The rendition could not be stored.")
    return made


def discard_distrusted(cache: Cache, key: VariantKey) -> None:
    """Whichever was read, the derivative of that key or the provisional one."""
    for found in cache.find_many([key, provisional_key(key)]).values():
        _log.warning("derivative.distrusted", key=found.key)
        cache.distrust(found)


def unlink_all(*scratches: Path | None) -> None:
    """Those that are there still; where that fails they are swept with the next start."""
    for scratch in scratches:
        if scratch is not None:
            with contextlib.suppress(OSError):
                scratch.unlink(missing_ok=True)
