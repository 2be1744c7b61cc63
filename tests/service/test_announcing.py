"""Hooks: told in order, as often as it takes, and given up in the end."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from imgsvc.catalog.base import Catalog
from imgsvc.catalog.sql import open_catalog
from imgsvc.core.errors import OriginCause, OriginFailure
from imgsvc.core.purges import HookAddress, HookKind, PurgeOrder, Receipt
from imgsvc.origin.hooks import Told
from imgsvc.service.announcing import Announcer
from tests.catalog.records import PRESS, SHOP
from tests.fakes import NOON

pytestmark = pytest.mark.anyio


ADDRESS = HookAddress(HookKind.WEBHOOK, "https://hooks.example/secret")


@dataclass
class FakeHook:
    """Fails as often as it is to."""

    failures: int = 0
    told: list[Told] = field(default_factory=list[Told])
    address: HookAddress = ADDRESS

    async def tell(self, told: Told) -> None:
        if self.failures:
            self.failures -= 1
            raise OriginFailure(OriginCause.STATUS, "It burns.")
        self.told.append(told)


@dataclass
class Bench:
    catalog: Catalog
    hook: FakeHook = field(default_factory=FakeHook)
    now: datetime = NOON
    pauses: list[float] = field(default_factory=list[float])
    outcomes: list[str] = field(default_factory=list[str])

    def announcer(self) -> Announcer:
        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)

        return Announcer(
            purges=self.catalog.purges,
            hook=self.hook,
            observe=lambda _, outcome: self.outcomes.append(outcome),
            now=lambda: self.now,
            sleep=sleep,
        )

    async def announce(self, *tags: str, soft: bool = False, press: bool = False) -> None:
        instance = PRESS if press else SHOP
        purge = await self.catalog.purges.add(instance, PurgeOrder(everything=True, soft=soft), now=self.now)
        await self.catalog.purges.finish(purge, Receipt(tags=tags), now=self.now)

    async def left(self) -> int:
        return len(await self.catalog.purges.announcements(after=0, limit=1000))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with open_catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}", changed=lambda *_: None) as catalog:
        bench = Bench(catalog)
        await catalog.purges.keep_hooks([bench.hook.address.url])
        yield bench


async def test_what_is_alike_is_told_in_one_call(bench: Bench) -> None:
    """Each tag once, in order; what is soft, or another's, by itself."""
    await bench.announce("a", "b")
    await bench.announce("b", "c")
    await bench.announce("d", soft=True)
    await bench.announce("e", press=True)

    await bench.announcer().tell_all()

    assert [(one.instance, one.tags, one.soft) for one in bench.hook.told] == [
        (SHOP, ["a", "b", "c"], False),
        (SHOP, ["d"], True),
        (PRESS, ["e"], False),
    ]
    assert [one.id for one in bench.hook.told] == sorted(one.id for one in bench.hook.told)
    assert await bench.left() == 0


async def test_no_call_is_longer_than_a_header_may_be(bench: Bench) -> None:
    """A hundred tags."""
    for start in range(0, 240, 40):
        await bench.announce(*(f"asset-{number}" for number in range(start, start + 40)))

    await bench.announcer().tell_all()

    assert [len(one.tags) for one in bench.hook.told] == [80, 80, 80]


async def test_what_fails_is_told_again_after_a_while(bench: Bench) -> None:
    """The pause doubles, up to a minute, and is short again once a call has succeeded."""
    await bench.announce("a")
    bench.hook.failures = 8
    announcer = bench.announcer()

    await announcer.tell_all()
    await bench.announce("b")
    bench.hook.failures = 1
    await announcer.tell_all()

    assert bench.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 1]
    assert [one.tags for one in bench.hook.told] == [["a"], ["b"]]
    assert bench.outcomes == [*["failed"] * 8, "told", "failed", "told"]


async def test_why_it_failed_can_be_asked(bench: Bench) -> None:
    """By other processes, until it succeeds."""
    await bench.announce("a")
    bench.hook.failures = 1
    seen: list[str] = []
    announcer = Announcer(
        purges=bench.catalog.purges,
        hook=bench.hook,
        observe=lambda *_: None,
        now=lambda: NOON,
        sleep=lambda _: note(),
    )

    async def note() -> None:
        seen.append((await bench.catalog.purges.hooks())[bench.hook.address.url].failed)

    await announcer.tell_all()

    assert seen == ["It burns."]
    assert (await bench.catalog.purges.hooks())[bench.hook.address.url].failed == ""


async def test_after_a_day_it_is_given_up(bench: Bench) -> None:
    """Without another pause; what is younger is still told."""
    await bench.announce("old")
    bench.now += timedelta(days=1, seconds=1)
    await bench.announce("young", soft=True)
    bench.hook.failures = 2

    await bench.announcer().tell_all()

    assert [one.tags for one in bench.hook.told] == [["young"]]
    assert bench.outcomes == ["given-up", "failed", "told"]
    assert bench.pauses == [1]
    assert await bench.left() == 0


async def test_who_dies_before_it_is_noted_tells_it_again(bench: Bench) -> None:
    """At least once: the next one begins where the last has noted."""
    await bench.announce("a")

    class Died(Exception):
        pass

    class DyingHook(FakeHook):
        async def tell(self, told: Told) -> None:
            await super().tell(told)
            raise Died

    told = bench.hook.told
    bench.hook = DyingHook(told=told)
    with pytest.raises(Died):
        await bench.announcer().tell_all()
    bench.hook = FakeHook(told=told)
    await bench.announcer().tell_all()

    assert [one.tags for one in told] == [["a"], ["a"]]


def test_a_label_shows_no_secret() -> None:
    """Neither user, path nor query."""
    address = HookAddress(HookKind.WEBHOOK, "https://me:word@hooks.example:8443/T0/secret?key=1")

    assert address.label == "webhook https://hooks.example:8443"
