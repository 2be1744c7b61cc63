"""Originals that harmed the renderer: set aside at the second time, until they are released."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imgsvc.core.errors import StoreFailure
from imgsvc.core.harm import Harm, SetAside
from imgsvc.storage.quarantine import Quarantine

ONE, OTHER = "a" * 64, "b" * 64
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Bench:
    root: Path
    clock: Clock = field(default_factory=Clock)
    told: list[Harm] = field(default_factory=list[Harm])

    def open(self) -> Quarantine:
        return Quarantine(self.root, now=self.clock, observe=self.told.append)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "quarantine")


def test_the_second_time_sets_it_aside(bench: Bench) -> None:
    """Whatever it did each time; it is told once, and others are as they were."""
    quarantine = bench.open()

    struck = [quarantine.strike(ONE, harm) for harm in (Harm.CRASH, Harm.TIMEOUT, Harm.TIMEOUT)]

    assert struck == [False, True, False]
    assert bench.told == [Harm.TIMEOUT]
    found = quarantine.find(ONE)
    assert found == SetAside(source=ONE, harms=(Harm.CRASH, Harm.TIMEOUT, Harm.TIMEOUT), last=START)
    assert quarantine.find(OTHER) is None


@pytest.mark.parametrize(("minutes", "is_set_aside"), [(59, True), (61, False)])
def test_harm_of_long_ago_does_not_count(bench: Bench, minutes: int, is_set_aside: bool) -> None:
    """The worker may have died of something else."""
    quarantine = bench.open()
    quarantine.strike(ONE, Harm.CRASH)

    bench.clock.pass_(minutes=minutes)

    assert quarantine.strike(ONE, Harm.CRASH) is is_set_aside


def test_what_is_set_aside_stays_so(bench: Bench) -> None:
    """For however long, and over a restart."""
    for _ in range(2):
        bench.open().strike(ONE, Harm.CRASH)

    bench.clock.pass_(days=400)

    assert bench.open().find(ONE) is not None


def test_the_latest_is_listed_first(bench: Bench) -> None:
    """Those that harmed once are not; before anything was set aside there is nothing."""
    quarantine = bench.open()
    assert quarantine.list() == []

    for source in (ONE, OTHER):
        bench.clock.pass_(minutes=1)
        for _ in range(2):
            quarantine.strike(source, Harm.CRASH)
    quarantine.strike("c" * 64, Harm.CRASH)

    assert [one.source for one in quarantine.list()] == [OTHER, ONE]


def test_what_is_released_begins_anew(bench: Bench) -> None:
    """In every process, and with nothing against it; a second time it had not been set aside."""
    quarantine = bench.open()
    for _ in range(2):
        quarantine.strike(ONE, Harm.CRASH)

    released = [bench.open().release(ONE) for _ in range(2)]

    assert released == [True, False]
    assert quarantine.find(ONE) is None
    assert quarantine.strike(ONE, Harm.CRASH) is False


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b'{"harms": 5}')])
def test_an_entry_that_cannot_be_read_says_nothing(bench: Bench, spoil: Callable[[Path], object]) -> None:
    """As after a loss of power: it is counted anew."""
    quarantine = bench.open()
    for _ in range(2):
        quarantine.strike(ONE, Harm.CRASH)

    spoil(bench.root / ONE)

    assert quarantine.find(ONE) is None
    assert quarantine.list() == []
    assert [quarantine.strike(ONE, Harm.CRASH) for _ in range(2)] == [False, True]


def test_what_cannot_be_written_is_passed_over(bench: Bench) -> None:
    """Who renders goes on, and nothing is left behind."""
    bench.root.write_bytes(b"no folder")

    assert [bench.open().strike(ONE, Harm.CRASH) for _ in range(2)] == [False, False]
    assert bench.open().find(ONE) is None


def test_what_cannot_be_released_is_said_so(bench: Bench) -> None:
    """Whoever released it would believe that it is."""
    (bench.root / ONE).mkdir(parents=True)

    with pytest.raises(StoreFailure):
        bench.open().release(ONE)
