"""Misses: what a rendition costs that nobody has asked for before, against a plain server and thumbor.

Every request is for a copy of the original of its own, so nothing anywhere can have it, and every server is asked
in turn in each round, so that a machine which becomes slower does so for all.
"""

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from statistics import mean, median

import httpx

from benchmarks.answers import check_answer
from benchmarks.jobs import BURSTS, JOBS, Ask, Job
from benchmarks.originals import write_copies
from benchmarks.stage import (
    Running,
    Stage,
    add_arguments,
    end_orderly_when_terminated,
    say,
    scratch_folder,
    stage_from_arguments,
    start_contenders,
    take_turns,
)
from benchmarks.tables import NOTHING, Quantity, print_comparison, ratio, spread

_CONTENDERS = ("imgsvc", "plain", "thumbor")
_YARDSTICK = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    file: str
    original: str
    ask: Ask


Round = Sequence[Sequence[Request]]
"""The requests of a repetition go out at once, the repetitions one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one contender took for one repetition of a job, in the mean over a round; bytes of all answers together."""

    cpu_seconds: float
    wall_seconds: float
    size: float


@dataclass(slots=True, kw_only=True)
class Result:
    job: Job
    turns: list[Turn] = field(default_factory=list[Turn])
    peak_memory: int = 0  # bytes


Results = Mapping[str, Result]
"""By the contender's name."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.miss", description=__doc__)
    add_arguments(parser, contenders=_CONTENDERS)
    parser.add_argument("--jobs", default="", help="only those whose name contains this")
    parser.add_argument("--bursts", default="", help="likewise, of the bursts of sixteen misses")
    arguments = parser.parse_args()
    stage = stage_from_arguments(arguments)
    end_orderly_when_terminated()
    jobs = {job.name: measure_job(job, stage) for job in JOBS if arguments.jobs in job.name}
    bursts = {job.name: measure_job(job, stage) for job in BURSTS if arguments.bursts in job.name}
    print_comparison(_QUANTITIES, jobs, stage.contenders)
    print_comparison(_BURST_QUANTITIES, bursts, stage.contenders)


def measure_job(job: Job, stage: Stage) -> Results:
    """Without contenders that cannot take part or answer wrongly; what they lacked is printed.

    All are started anew and warmed by one repetition. Memory is sampled in a round of its own behind the others,
    because sampling takes time.
    """
    say(f"{job.name}:")
    with scratch_folder(stage.cache) as scratch:
        folder = scratch / "originals"
        repetitions = iter(_lay_out(job, 1 + (stage.rounds + 1) * job.repeat, cache=stage.cache, folder=folder))
        with start_contenders(stage, originals=sorted(folder.iterdir()), scratch=scratch) as running:
            results = {name: Result(job=job) for name in running}

            def warm(turn: Round, name: str) -> None:
                _perform(running[name], turn)

            def measure_time(turn: Round, name: str) -> None:
                results[name].turns.append(_perform(running[name], turn))

            def measure_memory(turn: Round, name: str) -> None:
                with running[name].server.watch_memory() as peak:
                    _perform(running[name], turn)
                results[name].peak_memory = peak.size

            steps = [partial(warm, [next(repetitions)])]
            steps += [partial(measure_time, list(islice(repetitions, job.repeat))) for _ in range(stage.rounds)]
            steps += [partial(measure_memory, list(repetitions))]
            left = take_turns(running, steps)
    for name in left:
        say(f"  {name}: {_cpu(results, name)} ms CPU, {_wall(results, name)} ms, {_memory(results, name)} MB")
    return {name: results[name] for name in left}


def _lay_out(job: Job, repetitions: int, *, cache: Path, folder: Path) -> Round:
    """Writes a copy of an original for every work of every repetition."""
    needed = Counter(work.original for work in job.works)
    copies = {
        original: iter(write_copies(original, count=count * repetitions, cache=cache, folder=folder))
        for original, count in needed.items()
    }

    def requests() -> Sequence[Request]:
        files = [(work, next(copies[work.original]).name) for work in job.works]
        return [Request(file=file, original=work.original, ask=ask) for work, file in files for ask in work.asks]

    return [requests() for _ in range(repetitions)]


def _perform(running: Running, turn: Round) -> Turn:
    """Raises WrongAnswer."""

    def fetch(request: Request) -> httpx.Response:
        return running.fetch(request.file, request.ask)

    responses: list[httpx.Response] = []
    walls: list[float] = []
    cpu_before = running.server.cpu_seconds()
    with ThreadPoolExecutor(len(turn[0])) as threads:
        for requests in turn:
            started = time.perf_counter()
            responses += threads.map(fetch, requests)
            walls.append(time.perf_counter() - started)
    running.server.wait_until_quiet()
    cpu_seconds = running.server.cpu_seconds() - cpu_before
    for request, response in zip(chain.from_iterable(turn), responses, strict=True):
        check_answer(response, ask=request.ask, original=request.original)
    return Turn(
        cpu_seconds=cpu_seconds / len(turn),
        wall_seconds=mean(walls),
        size=sum(len(response.content) for response in responses) / len(turn),
    )


def _cpu_milliseconds(result: Result) -> Sequence[float]:
    return [turn.cpu_seconds * 1000 for turn in result.turns]


def _cpu(results: Results, name: str) -> str:
    return spread(_cpu_milliseconds(results[name]))


def _ratio(results: Results, name: str) -> str:
    if _YARDSTICK not in results:
        return NOTHING
    return ratio(_cpu_milliseconds(results[name]), _cpu_milliseconds(results[_YARDSTICK]))


def _wall(results: Results, name: str) -> str:
    return spread([turn.wall_seconds * 1000 for turn in results[name].turns])


def _kilobytes(results: Results, name: str) -> str:
    return f"{median(turn.size for turn in results[name].turns) / 1000:.1f}"


def _memory(results: Results, name: str) -> str:
    return f"{results[name].peak_memory / 1e6:.0f}"


def _throughput(results: Results, name: str) -> str:
    return spread([results[name].job.renditions / turn.wall_seconds for turn in results[name].turns], digits=1)


_QUANTITIES: Mapping[str, Quantity[Result]] = {
    "Miss: CPU ms": _cpu,
    f"Miss: CPU as a multiple of {_YARDSTICK}": _ratio,
    "Miss: wall ms": _wall,
    "Miss: KB answered": _kilobytes,
    "Miss: peak memory of the tree, MB": _memory,
}

_BURST_QUANTITIES: Mapping[str, Quantity[Result]] = {
    "16 misses at once: peak memory of the tree, MB": _memory,
    "16 misses at once: renditions a second": _throughput,
    "16 misses at once: CPU ms for all": _cpu,
}


if __name__ == "__main__":
    main()
