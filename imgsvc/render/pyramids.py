"""The broker's pyramids: which levels are there, and building those that are wanted or will be."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog
from cachetools import LRUCache

from imgsvc.coordination.base import Coordinator
from imgsvc.core.assets import Digest, ImageInfo
from imgsvc.core.cost import estimate_decoding
from imgsvc.core.errors import ImgsvcError, OriginalLost, Overloaded, StoreFailure
from imgsvc.core.pyramid import Level, level_format, level_key, levels_of
from imgsvc.core.variant import Discarded, VariantKey
from imgsvc.render.aside import Aside
from imgsvc.render.base import pyramid_revision
from imgsvc.render.messages import Build, Built, StoredLevel
from imgsvc.render.queue import Queue
from imgsvc.render.stored import UNSTORED_BYTES, Cache, admit, derivative_from_written, unlink_all

_log = structlog.get_logger(__name__)

_EXPECTED = 10_000
"""Pyramids that may wait for a quiet moment; one more is built when it is wanted."""

_FAILED = 10_000
_FAILED_SECONDS = 600.0
"""After which it is tried again: what failed may not have been the original's fault."""

_UNSTORED_SECONDS = 10.0
"""As long as a provisional rendition lasts: meanwhile a disk that takes nothing is not asked to take it again."""


class Pyramids:
    """`observe` is told each building's outcome and seconds, queueing included. All paths are of originals."""

    def __init__(
        self,
        *,
        queue: Queue,
        cache: Cache,
        coordinator: Coordinator,
        aside: Aside,
        observe: Callable[[str, float], None],
    ) -> None:
        self._queue = queue
        self.cache = cache
        self._coordinator = coordinator
        self._aside = aside
        self._observe = observe
        self._revision = pyramid_revision()
        self._expected: dict[Path, ImageInfo] = {}
        self._is_any_expected = asyncio.Event()
        self._failed: LRUCache[Path, float] = LRUCache(_FAILED)

    def find(self, path: Path, level: Level) -> StoredLevel | None:
        stored = self.cache.find(self._key(path, level))
        if stored is None:
            return None
        return StoredLevel(
            path=str(self.cache.path(stored)), format=stored.format, scale=level.scale, crc32=stored.crc32
        )

    def discard(self, path: Path) -> Discarded:
        """Its levels, and what is thought of it."""
        self._expected.pop(path, None)
        self._failed.pop(path, None)
        return self.cache.discard_all(path.name)

    def expect(self, path: Path, info: ImageInfo) -> None:
        """It is built before long, when there is nothing else to do."""
        if levels_of(info) and len(self._expected) < _EXPECTED:
            self._expected[path] = info
            self._is_any_expected.set()

    async def build(self, path: Path, info: ImageInfo) -> None:
        """Now, and once however many wait for it; of an original that is set aside none.

        Raises Overloaded; what fails else is logged, and `find` tells.
        """
        failed = self._failed.get(path)
        if failed is not None and time.monotonic() < failed:
            return
        if self._aside.find(path.name) is None:
            await self._coordinator.once(f"pyramid of {path.name}", partial(self._build, path, info))

    async def build_expected(self) -> None:
        """For ever. One at a time, so that a worker is left to who comes meanwhile."""
        while True:
            # Thousands may be there already, and each look blocks briefly.
            await asyncio.sleep(0)
            await self._is_any_expected.wait()
            await self._queue.wait_until_quiet()
            path, info = next(iter(self._expected.items()), (None, None))
            if path is None or info is None:
                self._is_any_expected.clear()
                continue
            del self._expected[path]
            try:
                if path.exists() and not self._is_whole(path, info):
                    await self.build(path, info)
            except Overloaded:
                # Others need the workers; it is built when it is wanted.
                continue
            except Exception:
                _log.exception("pyramid.failed", original=path.name)

    async def _build(self, path: Path, info: ImageInfo) -> None:
        started = time.monotonic()
        levels = levels_of(info)
        scratches = [self.cache.scratch_path() for _ in levels]
        job = Build(path=str(path), info=info, outputs=list(map(str, scratches)))
        outcome = "failed"
        try:
            estimate = estimate_decoding(info)
            result = await self._queue.run(job, seconds=estimate)
            assert isinstance(result, Built)
            for level, scratch, written in zip(levels, scratches, result.levels, strict=True):
                derivative = derivative_from_written(self._key(path, level), level_format(info), written)
                admit(self.cache, scratch, derivative, path, seconds=estimate)
            outcome = "built"
        except Overloaded:
            outcome = Overloaded.__name__
            raise
        except ImgsvcError as error:
            outcome = type(error).__name__
            if isinstance(error, OriginalLost):
                # Told to who asks for a rendition, and tried again with each: it fails at once.
                pass
            elif isinstance(error, StoreFailure):
                if not self.cache.relieve(UNSTORED_BYTES):
                    self._failed[path] = time.monotonic() + _UNSTORED_SECONDS
            elif path.exists():
                self._failed[path] = time.monotonic() + _FAILED_SECONDS
        finally:
            unlink_all(*scratches)
            seconds = time.monotonic() - started
            self._observe(outcome, seconds)
            _log.info("pyramid", original=path.name, outcome=outcome, seconds=round(seconds, 4))

    def _is_whole(self, path: Path, info: ImageInfo) -> bool:
        keys = [self._key(path, level) for level in levels_of(info)]
        return len(self.cache.find_many(keys)) == len(keys)

    def _key(self, path: Path, level: Level) -> VariantKey:
        return level_key(Digest(path.name), level, revision=self._revision)
