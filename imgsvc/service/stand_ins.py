"""What is answered while a format that takes long is being made: nobody who left the choice to us waits for it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from imgsvc.core.cost import estimate_cost
from imgsvc.core.errors import Quarantined, ServiceError, TooManyRequests
from imgsvc.core.pyramid import choose_level
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.service.delivery import Body, Delivery, Variant

Make = Callable[[], Coroutine[Any, Any, Derivative]]

_UNASKED = 8
"""Under way at once where nobody waits for them: in a flood of them the queue is for those who wait."""


class StandIns:
    """`patience`: seconds that a variant which has an `instead` may take."""

    def __init__(self, delivery: Delivery, *, patience: float) -> None:
        self._delivery = delivery
        self._patience = patience
        self._background = Background()

    async def load(self, variant: Variant, *, client: str = "") -> Body:
        """As `Delivery.load`; what is there instead has a derivative of its own key and format.

        It also answers where the variant may not be made now, the queue being full, say. `client` as in
        `Renderer.render`, for whatever is made in the end.
        """
        if variant.instead is None:
            return await self._delivery.load(variant, client=client)
        known = self._delivery.known(variant)
        body = None if known is None else await self._delivery.read(known)
        if body is not None:
            return body
        try:
            derivative = await self._make_in_time(variant, client)
        except TimeoutError:
            body = await self._delivery.load(self._delivery.stand_in(variant), client=client)
            self._begin(variant, client)
            return body
        except (ServiceError, TooManyRequests, Quarantined):
            # What is there instead is answered whatever stands against rendering.
            return await self._delivery.load(self._delivery.stand_in(variant), client=client)
        body = await self._delivery.read(derivative)
        return await self._delivery.load(variant, client=client) if body is None else replace(body, asked=True)

    async def ready(self, variant: Variant, *, client: str = "") -> Variant:
        """What may be pointed to: the variant, or what there is instead where it is not there and would take too long.

        Then it is being made. Nothing else is rendered.
        """
        if variant.instead is None:
            return variant
        try:
            if not self._takes_long(variant) or await self._found(variant) is not None:
                return variant
            self._begin(variant, client)
        except ServiceError:
            # Nobody can be asked. Who follows the redirect is told so.
            pass
        return self._delivery.stand_in(variant)

    async def _make_in_time(self, variant: Variant, client: str) -> Derivative:
        """Raises TimeoutError, and what Renderer.render raises."""
        if self._takes_long(variant):
            found = await self._found(variant)
            if found is None:
                raise TimeoutError
            if found.stale:
                self._begin(variant, client)
            return found
        make = partial(self._delivery.make, variant, client=client)
        return await self._background.wait(variant.key, make, seconds=self._patience)

    def _takes_long(self, variant: Variant) -> bool:
        """Even from a pyramid, if there is one."""
        info, plan = variant.asset.original.picture, variant.plan
        return plan is not None and estimate_cost(info, plan, choose_level(info, plan)).seconds > self._patience

    async def _found(self, variant: Variant) -> Derivative | None:
        """None: not rendered yet. Raises ServiceError."""
        (found,) = await self._delivery.look([variant])
        return found

    def _begin(self, variant: Variant, client: str) -> None:
        self._background.begin(variant.key, partial(self._delivery.make, variant, final=True, client=client))


class Background:
    """Renders that go on when who began them will not wait any longer. Of one key there is one, whoever asks."""

    def __init__(self) -> None:
        self._under_way: dict[VariantKey, asyncio.Task[Derivative]] = {}

    async def wait(self, key: VariantKey, make: Make, *, seconds: float) -> Derivative:
        """Raises TimeoutError, and what `make` raises."""
        async with asyncio.timeout(seconds):
            while (under_way := self._under_way.get(key)) is not None:
                # Of whoever began it: others may have what he has used up.
                with suppress(TooManyRequests):
                    return await asyncio.shield(under_way)
            return await asyncio.shield(self._start(key, make))

    def begin(self, key: VariantKey, make: Make) -> None:
        """Passed over where there are enough: whoever asks next may begin it. Its failure is nobody's."""
        if key not in self._under_way and len(self._under_way) < _UNASKED:
            self._start(key, make)

    def _start(self, key: VariantKey, make: Make) -> asyncio.Task[Derivative]:
        task = asyncio.create_task(make())
        self._under_way[key] = task

        def end(_: asyncio.Task[Derivative]) -> None:
            del self._under_way[key]
            if not task.cancelled():
                # Looked at, else asyncio logs what nobody was waiting for.
                task.exception()

        task.add_done_callback(end)
        return task
