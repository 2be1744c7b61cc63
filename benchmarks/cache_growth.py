"""The cache of derivatives as it grows: what a hit costs, to find one, to admit one for which another goes, to start.

Services over caches of all sizes run side by side and are asked the same in turn; then caches alone, as the broker asks
them, in this process.
"""

import argparse
import random
import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import process_time
from zlib import crc32

from benchmarks.answers import check_answer
from benchmarks.jobs import Ask
from benchmarks.originals import write_copies
from benchmarks.stage import (
    Running,
    Stage,
    add_cache_argument,
    end_orderly_when_terminated,
    say,
    scratch_folder,
    start_contenders,
)
from benchmarks.tables import print_rows, ratio, spread
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.storage.cache import DerivativeCache
from imgsvc.storage.derivatives import DerivativeFiles
from imgsvc.storage.index import FILE_NAME, DerivativeIndex

_SIZES = (1000, 10_000, 100_000, 1_000_000)
_ALL_HAVE_FILES = 100_000
_ASKED = 2000
_ADMITTED = 200
_STARTS = 5
_DATA = b"x"
_SMALL = "t300"
_WIDTHS = range(1, 201)
"""Of the derivatives that are hit over HTTP: two hundred of those in the cache, anywhere in its index."""

_FREE = 0.05
"""Of the budget: as much as the cache keeps free in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """`keys` are of derivatives that have files; `costs` microseconds of CPU by question, a round each."""

    root: Path
    size: int
    keys: list[VariantKey]
    costs: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def open(self, *, free: float) -> DerivativeCache:
        """With that share of its budget free."""
        with closing(DerivativeCache(self.root, budget=1 << 40)) as cache:
            return DerivativeCache(self.root, budget=int(cache.length / (1 - free)) + 1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cache_growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each cache has its turn (default: 5)")
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES, help="derivatives in each")
    parser.add_argument(
        "--files",
        type=int,
        default=_ALL_HAVE_FILES,
        help="up to so many derivatives all have files, above it those that are touched (default: 100000)",
    )
    add_cache_argument(parser)
    arguments = parser.parse_args()
    end_orderly_when_terminated()
    measure_hits(arguments)
    measure_caches(arguments)


def measure_hits(arguments: argparse.Namespace) -> None:
    """Raises WrongAnswer."""
    stage = Stage(contenders=("imgsvc disk",), rounds=arguments.rounds, cache=arguments.cache.resolve())
    with ExitStack() as stack:
        services = [stack.enter_context(_serve(stage, size)) for size in arguments.sizes]
        costs = [dict[str, list[float]]() for _ in services]
        for number in range(arguments.rounds + 1):
            for service, cost in zip(services, costs, strict=True):
                _note(cost, _measure_hits(service, turn=number), turn=number)
    _print("Server CPU, µs a request", costs, arguments.sizes)


def measure_caches(arguments: argparse.Namespace) -> None:
    with scratch_folder(arguments.cache.resolve()) as scratch:
        caches = [_grow(scratch / str(size), size, arguments) for size in arguments.sizes]
        for number in range(arguments.rounds + 1):
            for grown in caches:
                _note(grown.costs, _measure(grown, turn=number), turn=number)
    _print("CPU, µs", [grown.costs for grown in caches], arguments.sizes)


def _note(costs: dict[str, list[float]], measured: Mapping[str, float], *, turn: int) -> None:
    """The first turn only makes everything warm."""
    for question, cost in measured.items():
        if turn > 0:
            costs.setdefault(question, []).append(cost)


def _print(title: str, costs: Sequence[Mapping[str, list[float]]], sizes: Sequence[int]) -> None:
    rows = [
        (question, *(spread(each[question]) for each in costs), ratio(costs[-1][question], costs[0][question]))
        for question in costs[0]
    ]
    print_rows((title, *(f"{size:,} derivatives" for size in sizes), "multiple"), rows)


@contextmanager
def _serve(stage: Stage, size: int) -> Generator[Running]:
    """What is to be hit is made; the others are rows alone, entered while it runs. Raises WrongAnswer."""
    say(f"serving {size:,} derivatives")
    with scratch_folder(stage.cache) as scratch:
        originals = write_copies(_SMALL, count=1, cache=stage.cache, folder=scratch / "originals")
        with start_contenders(stage, originals=originals, scratch=scratch) as running:
            if not running:
                raise SystemExit(1)  # why has been said
            (service,) = running.values()
            for width in _WIDTHS:
                ask = Ask(width=width, extension="jpg")
                check_answer(service.fetch(originals[0].name, ask), ask=ask, original=_SMALL)
            _plant(Path(service.contender.environment["IMGSVC_DATA"]) / "derivatives", size - len(_WIDTHS))
            yield service


def _measure_hits(service: Running, *, turn: int) -> Mapping[str, float]:
    (original,) = service.contender.setting.originals
    asks = [Ask(width=width, extension="jpg") for width in _WIDTHS]
    known = [service.contender.target(original.name, ask) for ask in asks]
    # An address of its own (ImageProcessor's word for that) makes the service look for what it has stored already.
    unfamiliar = [f"{url}&rnd={turn}" for url in known]
    costs: dict[str, float] = {}
    for question, urls in (("hit, looked up in the index", unfamiliar), ("hit, asked for before", known)):
        costs[question], answers = service.spend(urls)
        for ask, answer in zip(asks, answers, strict=True):
            check_answer(answer, ask=ask, original=_SMALL)
    return costs


def _grow(root: Path, size: int, arguments: argparse.Namespace) -> Grown:
    """Files have one byte."""
    say(f"making {size:,} derivatives")
    files = DerivativeFiles(root)
    root.mkdir()
    DerivativeIndex(root).close()
    _plant(root, size)
    keys = [_key(number) for number in range(size)]
    random.Random(size).shuffle(keys)
    going: list[VariantKey] = []
    if size > arguments.files:
        del keys[_ASKED:]
        with closing(DerivativeIndex(root)) as index:
            going = [row.key for row in index.next_to_go(2 * _ADMITTED * (arguments.rounds + 1))]
    for key in (*keys, *going):
        path = files.path(key, Format.WEBP)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_DATA)
    return Grown(root=root, size=size, keys=keys)


def _plant(root: Path, size: int) -> None:
    """Rows, as a year of use would leave them."""
    chance = random.Random(size)
    rows = (
        (_key(number), Format.WEBP, 1, crc32(_DATA), 10, 10, chance.uniform(0, 3e7), _source(number), worth)
        for number in range(size)
        for worth in [chance.randrange(4, 16)]
    )
    with closing(sqlite3.connect(root / FILE_NAME)) as index, index:
        index.executemany("INSERT INTO derivatives VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", sorted(rows))


def _measure(grown: Grown, *, turn: int) -> dict[str, float]:
    first = grown.size + 2 * turn * _ADMITTED
    with closing(DerivativeCache(grown.root, budget=1 << 40)) as cache:
        there = [key for key in grown.keys[: 2 * _ASKED] if cache.find(key) is not None][:_ASKED]
    keys = [there[number % len(there)] for number in range(_ASKED)]
    costs = {"start": _cost(_STARTS, lambda _: DerivativeCache(grown.root, budget=1 << 40).close())}
    with _opened(grown, free=0.0) as cache:
        costs["found, the first time since the start"] = _cost(_ASKED, lambda number: cache.find(keys[number]))
        costs["found, again"] = _cost(_ASKED, lambda number: cache.find(keys[number]))
        costs["admitted, another evicted at once"] = _cost(_ADMITTED, lambda number: _admit(cache, first + number))
    with _opened(grown, free=_FREE) as cache:
        costs["admitted, another evicted in the background"] = (
            _cost(_ADMITTED, lambda number: _admit(cache, first + _ADMITTED + number))
            + _cost(1, lambda _: _tidy(cache)) / _ADMITTED
        )
    grown.keys[:0] = [_key(first + number) for number in range(2 * _ADMITTED)]
    return costs


@contextmanager
def _opened(grown: Grown, *, free: float) -> Generator[DerivativeCache]:
    with closing(grown.open(free=free)) as cache:
        cache.find(_key(0))
        yield cache


def _admit(cache: DerivativeCache, number: int) -> None:
    """As the broker does with what a worker has written."""
    scratch = cache.scratch_path()
    scratch.write_bytes(_DATA)
    derivative = Derivative(key=_key(number), format=Format.WEBP, length=1, crc32=crc32(_DATA), size=Size(10, 10))
    cache.admit(scratch, derivative, source=_source(number), seconds=0.05)


def _tidy(cache: DerivativeCache) -> None:
    while cache.tidy():
        pass


def _cost(times: int, question: Callable[[int], object]) -> float:
    """Microseconds of CPU, of each."""
    before = process_time()
    for number in range(times):
        question(number)
    return (process_time() - before) / times * 1e6


def _key(number: int) -> VariantKey:
    return VariantKey(sha256(str(number).encode()).hexdigest()[:32])


def _source(number: int) -> str:
    """Ten derivatives of each original."""
    return sha256(f"original {number // 10}".encode()).hexdigest()


if __name__ == "__main__":
    main()
