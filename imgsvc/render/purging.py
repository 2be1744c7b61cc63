"""The broker's part of a purge: files discarded, or compared with their checksums and discarded where wrong."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from imgsvc.core.purges import Purged
from imgsvc.core.variant import Derivative, Discarded, VariantKey
from imgsvc.render.messages import Drop
from imgsvc.render.pyramids import Pyramids
from imgsvc.render.stored import Cache

_NOTHING = Discarded(0, 0)


class _Verified(NamedTuple):
    discarded: Discarded
    verified: int


async def purge(drop: Drop, *, cache: Cache, pyramids: Pyramids | None) -> Purged:
    """Others are answered in between. What is under way is admitted when it is done: its bytes are right."""
    purged = Purged(0, 0, 0, 0)
    for path in map(Path, drop.paths):
        if drop.soft:
            part = await _verify(cache, cache.made_from(path.name))
            levels = _Verified(_NOTHING, 0)
            if pyramids is not None:
                levels = await _verify(pyramids.cache, pyramids.cache.made_from(path.name))
        else:
            part = _Verified(cache.discard_all(path.name), 0)
            levels = _Verified(_NOTHING if pyramids is None else pyramids.discard(path), 0)
            await asyncio.sleep(0)
        purged = _sum(purged, part, levels)
    found = cache.find_many([VariantKey(key) for key in drop.keys]).values() if drop.keys else ()
    part = await _verify(cache, found) if drop.soft else await _discard(cache, found)
    return _sum(purged, part, _Verified(_NOTHING, 0))


async def _verify(cache: Cache, found: Iterable[Derivative]) -> _Verified:
    derivatives = length = verified = 0
    for derivative in found:
        verified += 1
        if not await asyncio.to_thread(cache.is_whole, derivative):
            cache.discard(derivative)
            derivatives, length = derivatives + 1, length + derivative.length
    return _Verified(Discarded(derivatives, length), verified)


async def _discard(cache: Cache, found: Iterable[Derivative]) -> _Verified:
    derivatives = length = 0
    for derivative in found:
        cache.discard(derivative)
        derivatives, length = derivatives + 1, length + derivative.length
        await asyncio.sleep(0)
    return _Verified(Discarded(derivatives, length), 0)


def _sum(purged: Purged, part: _Verified, levels: _Verified) -> Purged:
    return Purged(
        derivatives=purged.derivatives + part.discarded.derivatives,
        levels=purged.levels + levels.discarded.derivatives,
        length=purged.length + part.discarded.length + levels.discarded.length,
        verified=purged.verified + part.verified + levels.verified,
    )
