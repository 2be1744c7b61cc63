"""Renders that wait for the same pixels at the same time: whoever is first takes the others along, for one decode."""

import asyncio
from pathlib import Path

from imgsvc.core.cost import Cost
from imgsvc.core.errors import ImgsvcError, RenderCrashed, RenderTimeout
from imgsvc.render.messages import (
    Failed,
    LevelLost,
    Render,
    Rendered,
    RenderSiblings,
    StoredLevel,
    Written,
    error_from_failed,
)
from imgsvc.render.queue import Queue
from imgsvc.render.stored import unlink_all

_TOGETHER = 8
"""A worker is not to be kept for longer, nor the first of them waiting."""

_WORTH_IT = 1 / 4
"""Of what writing costs. Where less is to be saved they are rather made side by side."""

_Source = tuple[str, StoredLevel | None]
_Result = Written | LevelLost | Failed


class Siblings:
    """Only who has to wait for a worker anyway meets siblings. The bytes are those that each gives alone."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._waiting: dict[_Source, _Group] = {}

    async def render(self, job: Render, cost: Cost) -> Written | LevelLost:
        """Raises what `Queue.run` raises."""
        if cost.reading < cost.writing * _WORTH_IT:
            return await self._render_alone(job, cost)
        source = job.path, job.level
        group = self._waiting.get(source)
        if group is None or group.is_full:
            return await self._render_first(job, cost, source)
        result = await group.join(job)
        return await self._render_alone(job, cost) if result is None else _unless_failed(result)

    async def _render_first(self, job: Render, cost: Cost, source: _Source) -> Written | LevelLost:
        group = self._waiting[source] = _Group(job)

        def close() -> None:
            if self._waiting.get(source) is group:
                del self._waiting[source]

        try:
            result = await self._queue.run(group.job, seconds=cost.seconds, begun=close)
        except (RenderCrashed, RenderTimeout):
            if not group.others:
                raise
            # It may have been but one of them.
            group.part()
            return await self._render_alone(job, cost)
        except ImgsvcError as error:
            group.fail(error)
            raise
        except BaseException:
            # Whoever was first gave up: that is nobody else's affair.
            group.part()
            raise
        finally:
            close()
        assert isinstance(result, Rendered)
        own, *others = result.results
        group.answer(others)
        return _unless_failed(own)

    async def _render_alone(self, job: Render, cost: Cost) -> Written | LevelLost:
        result = await self._queue.run(job, seconds=cost.seconds)
        assert isinstance(result, Written | LevelLost)
        return result


class _Group:
    """`job` grows while it waits: a worker is given what it has become by then."""

    def __init__(self, first: Render) -> None:
        self.job = RenderSiblings(path=first.path, renders=[first])
        self.others: list[asyncio.Future[_Result | None]] = []

    @property
    def is_full(self) -> bool:
        return len(self.job.renders) >= _TOGETHER

    async def join(self, job: Render) -> _Result | None:
        """None: it has to be rendered alone. Raises what `fail` was given."""
        given: asyncio.Future[_Result | None] = asyncio.get_running_loop().create_future()
        self.job.renders.append(job)
        self.others.append(given)
        return await given

    def answer(self, results: list[_Result]) -> None:
        for job, given, result in zip(self.job.renders[1:], self.others, results, strict=True):
            if not given.done():
                given.set_result(result)
            else:
                # Who asked for it has gone, and swept up before it was there.
                unlink_all(Path(job.output), None if job.spare is None else Path(job.spare))

    def part(self) -> None:
        for given in self.others:
            if not given.done():
                given.set_result(None)

    def fail(self, error: ImgsvcError) -> None:
        for given in self.others:
            if not given.done():
                given.set_exception(error)


def _unless_failed(result: _Result) -> Written | LevelLost:
    """Raises what it says."""
    if isinstance(result, Failed):
        raise error_from_failed(result)
    return result
