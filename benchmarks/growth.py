"""Growth: what a miss costs as originals become larger, and what hits and misses do as a library has more of them.

Photographs of 1 to 100 megapixels have the same grain in the same places. Libraries of all sizes run side by side and
are asked the same in turn.
"""

import argparse
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.answers import check_answer
from benchmarks.jobs import Ask, Job, Work
from benchmarks.originals import BY_MEGAPIXELS, find_original, write_copies
from benchmarks.rounds import Result, measure_job, show_cpu, show_memory, show_wall
from benchmarks.stage import (
    Running,
    Stage,
    add_arguments,
    end_orderly_when_terminated,
    say,
    scratch_folder,
    stage_from_arguments,
    start_contenders,
)
from benchmarks.tables import Quantity, print_comparison, print_rows, ratio, spread

_CONTENDERS = ("imgsvc", "plain", "thumbor", "thumbor-simd", "sharp", "ipx", "nginx")
_BY_DEFAULT = ("imgsvc", "thumbor", "sharp")
_JPEG_400 = Ask(width=400, extension="jpg")
_REPEATED_FOR = 20  # megapixels in a round, where an original has less

_SMALL = "t300"
_JPEG_200 = Ask(width=200, extension="jpg")
_ASKED = 100  # originals of each library, spread over it
_HITS_EACH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Names of the originals that are asked about: of some the rendition is `stored`, of others it is new."""

    running: Running
    stored: Sequence[str]
    new: Sequence[str]
    microseconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    add_arguments(parser, contenders=_CONTENDERS)
    parser.add_argument(
        "--megapixels",
        type=int,
        nargs="*",
        choices=BY_MEGAPIXELS,
        default=tuple(BY_MEGAPIXELS),
        help="sizes of originals (default: all)",
    )
    parser.add_argument(
        "--libraries",
        type=int,
        nargs="*",
        default=(_ASKED, 1000, 10_000),
        help=f"originals in each, {_ASKED} or more; of imgsvc alone (default: {_ASKED} 1000 10000)",
    )
    parser.set_defaults(contenders=_BY_DEFAULT)
    arguments = parser.parse_args()
    stage = stage_from_arguments(arguments)
    end_orderly_when_terminated()
    measure_sizes(stage, arguments.megapixels)
    measure_libraries(stage, arguments.libraries)


def measure_sizes(stage: Stage, megapixels: Sequence[int]) -> None:
    for title, warm in (("First miss → 400 JPEG", False), ("Later miss → 400 JPEG", True)):
        measured = {_describe(each, stage.cache): measure_job(_job(each, warm=warm), stage) for each in megapixels}
        titled = {f"{title}: {quantity}": cell for quantity, cell in _QUANTITIES.items()}
        print_comparison(titled, measured, stage.contenders)


def _job(megapixels: int, *, warm: bool) -> Job:
    work = Work(original=f"mp{megapixels}", asks=(_JPEG_400,))
    return Job(name=f"{megapixels} MP", works=(work,), repeat=max(1, _REPEATED_FOR // megapixels), warm=warm)


def _describe(megapixels: int, cache: Path) -> str:
    size = find_original(f"mp{megapixels}", cache=cache).stat().st_size
    return f"{megapixels} MP, {size / 1e6:.1f} MB"


_QUANTITIES: Mapping[str, Quantity[Result]] = {
    "CPU ms": show_cpu,
    "wall ms": show_wall,
    "peak memory of the tree, MB": show_memory,
}


def measure_libraries(stage: Stage, sizes: Sequence[int]) -> None:
    """Raises WrongAnswer."""
    if not sizes:
        return
    with ExitStack() as stack:
        libraries = [stack.enter_context(_open_library(stage, size)) for size in sizes]
        for number in range(stage.rounds + 1):
            for library in libraries:
                figures = _measure_library(library, turn=number, turns=stage.rounds + 1)
                if number > 0:  # the first turn only makes everything warm
                    for question, microseconds in figures.items():
                        library.microseconds.setdefault(question, []).append(microseconds)
    rows = [
        (
            question,
            *(spread(library.microseconds[question]) for library in libraries),
            ratio(libraries[-1].microseconds[question], libraries[0].microseconds[question]),
        )
        for question in libraries[0].microseconds
    ]
    print_rows(("Library: server CPU, µs a request", *(f"{size:,} originals" for size in sizes), "multiple"), rows)


@contextmanager
def _open_library(stage: Stage, size: int) -> Generator[Library]:
    """The renditions that are to be hits are made. Raises WrongAnswer."""
    say(f"taking {size:,} originals in")
    alone = replace(stage, contenders=("imgsvc",))
    with scratch_folder(stage.cache) as scratch:
        originals = write_copies(_SMALL, count=size, cache=stage.cache, folder=scratch / "originals")
        asked = [originals[number * size // _ASKED].name for number in range(_ASKED)]
        with start_contenders(alone, originals=originals, scratch=scratch) as running:
            if not running:
                raise SystemExit(1)  # why has been said
            library = Library(running=running["imgsvc"], stored=asked[::2], new=asked[1::2])
            for name in library.stored:
                check_answer(library.running.fetch(name, _JPEG_200), ask=_JPEG_200, original=_SMALL)
            yield library


def _measure_library(library: Library, *, turn: int, turns: int) -> Mapping[str, float]:
    """Server CPU by what is asked, in microseconds a request. Raises WrongAnswer."""
    contender = library.running.contender
    hits = [contender.target(name, _JPEG_200) for name in library.stored]
    # An address of its own (ImageProcessor's word for that) makes the service look for what it has stored already.
    unfamiliar = [f"{url}&rnd={turn * _HITS_EACH + number}" for url in hits for number in range(_HITS_EACH)]
    misses = [contender.target(name, _JPEG_200) for name in library.new[turn::turns]]
    return {
        "hit, asked for before": _ask(library.running, hits * _HITS_EACH),
        "hit, looked up": _ask(library.running, unfamiliar),
        "miss": _ask(library.running, misses),
    }


def _ask(running: Running, urls: Sequence[str]) -> float:
    """Raises WrongAnswer."""
    microseconds, responses = running.spend(urls)
    for response in responses:
        check_answer(response, ask=_JPEG_200, original=_SMALL)
    return microseconds


if __name__ == "__main__":
    main()
