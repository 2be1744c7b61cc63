"""One process a host that all server processes ask over a Unix socket: one queue with a bound, one render per key.

However many ask for a key, in however many processes, it is looked up, and rendered once if it is not there. The broker
alone writes derivatives; it answers with what is known of them, and the files are read by who asked.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import structlog

from imgsvc.coordination.base import Coordinator
from imgsvc.core.cost import Cost, estimate_cost
from imgsvc.core.errors import ImgsvcError, OriginalLost, Overloaded, StoreFailure
from imgsvc.core.plan import Plan
from imgsvc.core.pyramid import Level, choose_level
from imgsvc.core.variant import Derivative, VariantKey, provisional_key
from imgsvc.render.allowances import Allowances
from imgsvc.render.aside import Aside, refuse_set_aside
from imgsvc.render.conversing import listen
from imgsvc.render.messages import (
    Asked,
    Drop,
    Dropped,
    Forget,
    Forgotten,
    Found,
    Labelled,
    LevelLost,
    Look,
    Noted,
    Prepare,
    Preparing,
    Probe,
    Probed,
    Render,
    Search,
    Seen,
    StoredLevel,
    Told,
    Used,
    Wanted,
    Written,
)
from imgsvc.render.purging import purge
from imgsvc.render.pyramids import Pyramids
from imgsvc.render.queue import Queue
from imgsvc.render.ready import ReadySizes
from imgsvc.render.remakes import Remakes
from imgsvc.render.siblings import Siblings
from imgsvc.render.stored import (
    UNSTORED_BYTES,
    Cache,
    admit,
    derivative_from_written,
    discard_distrusted,
    unless_lost,
    unlink_all,
)

_log = structlog.get_logger(__name__)

_PROBE_SECONDS = 0.2
"""Of a usual upload; its header is not known yet."""

_PAGE = 500
"""Keys told at once."""

_MOST_BYTES = 4
"""A pixel of a rendition takes."""

_ATTEMPTS = 2
"""At a level that was there and turns out damaged or gone: it is built again once."""


class Broker:
    """`pyramids` None: every rendition is made from its original.

    `observe` is told each render's outcome and seconds, queueing included.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        cache: Cache,
        pyramids: Pyramids | None,
        coordinator: Coordinator,
        aside: Aside,
        allowances: Allowances,
        observe: Callable[[str, float], None],
    ) -> None:
        self._queue = queue
        self._siblings = Siblings(queue)
        self._cache = cache
        self._pyramids = pyramids
        self._coordinator = coordinator
        self._aside = aside
        self._allowances = allowances
        self._observe = observe
        self._ready = ReadySizes()
        self._remakes = Remakes(queue=queue, cache=cache, remake=self._remake)
        self._originals: Counter[str] = Counter()

    async def serve(self, socket: Path) -> None:
        """Until cancelled."""
        async with await listen(socket, self._reply) as server, asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve_forever())
            tasks.create_task(self._remakes.make_expected())
            if self._pyramids is not None:
                tasks.create_task(self._pyramids.build_expected())

    async def find_or_render(self, wanted: Wanted) -> Derivative:
        """Where there are too many already, the next larger one that is there will do, unless it is to be final.

        What is there already is answered whatever stands against rendering it. Raises CorruptOriginal, Quarantined,
        TooManyRequests, Overloaded, RenderTimeout, RenderCrashed, StoreFailure.
        """
        source = Path(wanted.path).name
        try:
            derivative = await self._find_or_render(wanted)
        except Overloaded:
            larger = None if wanted.final else self._find_larger(source, wanted.plan)
            if larger is None:
                raise
            self._observe("larger", 0.0)
            return larger
        self._ready.note(source, wanted.plan, derivative.key)
        if wanted.label:
            self._cache.label(derivative.key, wanted.label)
        return derivative

    async def _find_or_render(self, wanted: Wanted) -> Derivative:
        while self._coordinator.is_under_way(wanted.key):
            derivative = await self._coordinator.once(wanted.key, partial(self._render, wanted, asked_before=True))
            if derivative.key == wanted.key or not wanted.final:
                return derivative
        if wanted.distrust:
            discard_distrusted(self._cache, wanted.key)
        found = self._cache.find(wanted.key) or self._find_stand_in(wanted)
        if found is not None:
            if found.stale:
                self._remakes.expect(wanted)
            return found
        try:
            self._refuse_more(wanted)
        except ImgsvcError:
            provisional = None if wanted.final else self._cache.find(provisional_key(wanted.key))
            if provisional is None:
                raise
            return provisional
        source = Path(wanted.path).name
        asked_before = source in self._originals or self._cache.has_any(source)
        self._originals[source] += 1
        try:
            render = partial(self._render, wanted, asked_before=asked_before)
            return await self._coordinator.once(wanted.key, render)
        finally:
            self._originals[source] -= 1
            self._originals += Counter()
            self._allowances.give_back(wanted.client)

    async def _remake(self, wanted: Wanted) -> Derivative:
        """Beside what is there, so that nobody waits for it. Raises what `find_or_render` raises."""
        refuse_set_aside(self._aside, wanted.path)
        remake = partial(self._render, msgspec.structs.replace(wanted, final=True), asked_before=True)
        return await self._coordinator.once(f"{wanted.key} again", remake)

    async def probe(self, probe: Probe) -> Probed:
        """Raises NotAnImage, CorruptOriginal, TooManyPixels, Overloaded, RenderTimeout, RenderCrashed."""
        self._queue.refuse_when_full(asked=self._originals.total())
        result = await self._queue.run(probe, seconds=_PROBE_SECONDS)
        assert isinstance(result, Probed)
        return result

    def _find_larger(self, source: str, plan: Plan) -> Derivative | None:
        found = map(self._cache.find, self._ready.larger(source, plan))
        return next((one for one in found if one is not None), None)

    def _refuse_more(self, wanted: Wanted) -> None:
        """Raises Quarantined, Overloaded, TooManyRequests."""
        refuse_set_aside(self._aside, wanted.path)
        self._queue.refuse_when_full(asked=self._originals.total())
        self._allowances.take(wanted.client)

    async def _render(self, wanted: Wanted, *, asked_before: bool) -> Derivative:
        """From the level that is to serve the plan, or where none is to from the original.

        An original that is asked about for the first time may never be again: it is answered without its pyramid, for
        the time being. Asked about once more it gets one, and all who wait meanwhile share its one decode.
        """
        level = None if self._pyramids is None else choose_level(wanted.info, wanted.plan)
        if self._pyramids is None or level is None:
            return await self._make(wanted, wanted.key)
        path, provisional = Path(wanted.path), provisional_key(wanted.key)
        for _ in range(_ATTEMPTS):
            stored = self._pyramids.find(path, level)
            if stored is None and (wanted.final or asked_before):
                stand_in = self._find_stand_in(wanted)
                if stand_in is not None:
                    return stand_in
                await self._build(self._pyramids, wanted)
                stored = self._pyramids.find(path, level)
            if stored is None:
                break
            try:
                return await self._make(wanted, wanted.key, level=level, stored=stored)
            except _LevelDamaged:
                _log.warning("pyramid.damaged", original=path.name)
                with contextlib.suppress(StoreFailure):
                    self._pyramids.discard(path)
        return self._cache.find(provisional) or await self._make(wanted, provisional)

    def _find_stand_in(self, wanted: Wanted) -> Derivative | None:
        """The provisional one, while the pyramid that the rendition is to be made from is not there. It is expected."""
        level = None if self._pyramids is None or wanted.final else choose_level(wanted.info, wanted.plan)
        if self._pyramids is None or level is None or self._pyramids.find(Path(wanted.path), level) is not None:
            return None
        found = self._cache.find(provisional_key(wanted.key))
        if found is not None:
            self._pyramids.expect(Path(wanted.path), wanted.info)
        return found

    async def _build(self, pyramids: Pyramids, wanted: Wanted) -> None:
        """Who can do without it is not refused because others are many."""
        try:
            await pyramids.build(Path(wanted.path), wanted.info)
        except Overloaded:
            if wanted.final:
                raise

    async def _make(
        self, wanted: Wanted, key: VariantKey, *, level: Level | None = None, stored: StoredLevel | None = None
    ) -> Derivative:
        """Raises _LevelDamaged."""
        started = time.monotonic()
        scratch, spare = self._cache.scratch_path(), self._cache.spare_path()
        outcome = "failed"
        job = Render(
            path=wanted.path,
            info=wanted.info,
            plan=wanted.plan,
            output=str(scratch),
            spare=None if spare is None else str(spare),
            level=stored,
        )
        cost = estimate_cost(wanted.info, wanted.plan, level)
        try:
            result = await self._have_made(job, cost)
            if isinstance(result, LevelLost):
                outcome = "level-lost"
                raise _LevelDamaged
            derivative = derivative_from_written(key, wanted.plan.encoding.format, result)
            written = spare if result.spare and spare is not None else scratch
            admit(self._cache, written, derivative, Path(wanted.path), seconds=cost.seconds)
        except ImgsvcError as error:
            outcome = type(error).__name__
            raise
        else:
            outcome = "rendered" if key == wanted.key else "provisional"
            return derivative
        finally:
            unlink_all(scratch, spare)
            seconds = time.monotonic() - started
            self._observe(outcome, seconds)
            _log.info("render", key=key, outcome=outcome, seconds=round(seconds, 4))

    async def _have_made(self, job: Render, cost: Cost) -> Written | LevelLost:
        """Once more where it could be written nowhere and the cache could give way, or the folder went with it."""
        try:
            return unless_lost(job, await self._siblings.render(job, cost))
        except OriginalLost:
            raise
        except StoreFailure:
            if not self._cache.relieve(min(UNSTORED_BYTES, job.plan.result.pixels * _MOST_BYTES)):
                raise
            return await self._siblings.render(job, cost)

    def _forget(self, original: Path) -> int:
        if self._pyramids is not None:
            self._pyramids.discard(original)
        with contextlib.suppress(StoreFailure):
            # An entry that stays speaks of nothing any more.
            self._aside.release(original.name)
        return self._cache.discard_all(original.name).derivatives

    async def _reply(self, body: Asked) -> Told:
        match body:
            case Probe():
                return await self.probe(body)
            case Wanted():
                return Found(derivative=await self.find_or_render(body))
            case Prepare():
                if self._pyramids is not None:
                    self._pyramids.expect(Path(body.path), body.info)
                return Preparing()
            case Look():
                found = self._cache.find_many(body.keys)
                return Seen(derivatives=[found.get(key) for key in body.keys])
            case Search():
                return Labelled(keys=list(self._cache.labelled(body.label, after=body.after, limit=_PAGE)))
            case Used():
                self._cache.use(body.keys)
                return Noted()
            case Forget():
                return Forgotten(derivatives=self._forget(Path(body.path)))
            case Drop():
                return Dropped(purged=await purge(body, cache=self._cache, pyramids=self._pyramids))


class _LevelDamaged(Exception):
    pass
