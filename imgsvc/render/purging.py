"""The broker's part of a purge: files discarded, or kept as stale until they have been made again."""

import asyncio
from pathlib import Path

from imgsvc.core.purges import Purged
from imgsvc.core.variant import Discarded, VariantKey
from imgsvc.render.messages import Drop
from imgsvc.render.pyramids import Pyramids
from imgsvc.render.stored import Cache

_NOTHING = Discarded(0, 0)


async def purge(drop: Drop, *, cache: Cache, pyramids: Pyramids | None) -> Purged:
    """Others are answered in between. What is under way is admitted when it is done: its bytes are right.

    Levels of pyramids go also where it is soft: nobody is shown one, and what is made again is made from others.
    Raises StoreFailure.
    """
    purged = Purged(0, 0, 0, 0)
    for path in map(Path, drop.paths):
        stale = cache.mark_all_stale(path.name) if drop.soft else 0
        derivatives = _NOTHING if drop.soft else cache.discard_all(path.name)
        levels = _NOTHING if pyramids is None else pyramids.discard(path)
        purged = _sum(purged, derivatives, levels, stale)
        await asyncio.sleep(0)
    keys = [VariantKey(key) for key in drop.keys]
    if drop.soft:
        return _sum(purged, _NOTHING, _NOTHING, cache.mark_stale(keys))
    for derivative in cache.find_many(keys).values():
        cache.discard(derivative)
        purged = _sum(purged, Discarded(1, derivative.length), _NOTHING, 0)
        await asyncio.sleep(0)
    return purged


def _sum(purged: Purged, derivatives: Discarded, levels: Discarded, stale: int) -> Purged:
    return Purged(
        derivatives=purged.derivatives + derivatives.derivatives,
        levels=purged.levels + levels.derivatives,
        length=purged.length + derivatives.length + levels.length,
        stale=purged.stale + stale,
    )
