"""Hits beside misses: how long a stored picture takes to come while renditions keep all cores busy, and while none do.

A client of its own asks for the stored picture at a steady rate, over connections kept alive, and does not wait for
one answer before it asks again. Of the misses sixteen are always under way, each of a copy of the original of its own.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import quantiles

import httpx

from benchmarks.answers import WrongAnswer, check_answer
from benchmarks.jobs import HITS, Ask
from benchmarks.originals import write_copies
from benchmarks.processes import PROJECT
from benchmarks.rounds import AT_ONCE, CORES
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
from benchmarks.tables import print_rows, spread

_CONTENDERS = ("imgsvc", "plain", "thumbor")
_ORIGINAL = "p12"
_HIT = HITS["20 KB"]
_MISS = Ask(width=800, extension="webp")
_PERCENTILES = (50, 90, 99)
_CLIENT_ENDED_WITHIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked for in a turn: hits each second, and for how long where no misses are; so many misses."""

    rate: float
    seconds: float
    misses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Milliseconds each took, and by which the client itself asked late."""

    answers: Sequence[float]
    lateness: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """While sixteen were under way; `busy` is the share of all cores that the server had."""

    per_second: float
    busy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one contender took, turn by turn."""

    alone: list[Hits] = field(default_factory=list[Hits])
    beside: list[Hits] = field(default_factory=list[Hits])
    misses: list[Misses] = field(default_factory=list[Misses])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mixed", description=__doc__)
    add_arguments(parser, contenders=_CONTENDERS)
    parser.add_argument("--rate", type=float, default=100, help="hits each second (default: 100)")
    parser.add_argument("--seconds", type=float, default=10, help="of hits with no misses beside them (default: 10)")
    parser.add_argument("--misses", type=int, default=200, help="in each turn (default: 200)")
    parser.set_defaults(rounds=3)
    arguments = parser.parse_args()
    stage = stage_from_arguments(arguments)
    end_orderly_when_terminated()
    load = Load(rate=arguments.rate, seconds=arguments.seconds, misses=arguments.misses)
    results = {name: Result() for name in stage.contenders}
    for number in range(stage.rounds):
        say(f"round {number + 1}:")
        measure_round(stage, load, results)
    print_results(results)


def measure_round(stage: Stage, load: Load, results: dict[str, Result]) -> None:
    """All are started anew, with originals they have not seen. Whoever answers wrongly is taken out of `results`."""
    with scratch_folder(stage.cache) as scratch:
        files = write_copies(_ORIGINAL, count=1 + load.misses, cache=stage.cache, folder=scratch / "originals")
        stored, *asked = (path.name for path in files)
        with start_contenders(stage, originals=files, scratch=scratch, keep_results=True) as running:
            urls: dict[str, str] = {}

            def aim(name: str) -> None:
                urls[name] = _store(running[name], stored)

            def measure_alone(name: str) -> None:
                results[name].alone.append(_measure_alone(urls[name], load))

            def measure_beside(name: str) -> None:
                hits, misses = _measure_beside(running[name], urls[name], asked, rate=load.rate)
                results[name].beside.append(hits)
                results[name].misses.append(misses)
                say(f"  {name}: p99 {_percentile(99, hits.answers):.1f} ms beside misses")

            left = take_turns(filter(results.__contains__, running), (aim, measure_alone, measure_beside))
    for name in results.keys() - set(left):
        del results[name]


def print_results(results: dict[str, Result]) -> None:
    cases = [
        row
        for name, result in results.items()
        for row in ((f"{name}, alone", result.alone), (f"{name}, beside misses", result.beside))
    ]
    print_rows(
        ("Hits of a 20 KB JPEG: ms", *(f"p{each}" for each in _PERCENTILES), "greatest", "client late, p99"),
        [(name, *_cells(turns)) for name, turns in cases],
    )
    print_rows(
        ("Misses beside hits", "renditions a second", "share of all cores kept busy"),
        [
            (
                name,
                spread([misses.per_second for misses in result.misses], digits=1),
                spread([misses.busy for misses in result.misses], digits=2),
            )
            for name, result in results.items()
        ],
    )


def _cells(turns: Sequence[Hits]) -> Sequence[str]:
    quantities = [[_percentile(each, hits.answers) for hits in turns] for each in _PERCENTILES]
    quantities.append([max(hits.answers) for hits in turns])
    quantities.append([_percentile(99, hits.lateness) for hits in turns])
    return [spread(values, digits=1) for values in quantities]


def _percentile(percent: int, values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def _store(running: Running, name: str) -> str:
    """The URL of the hit, which is stored from then on. Raises WrongAnswer."""
    first = running.fetch(name, _HIT)
    check_answer(first, ask=_HIT, original=_ORIGINAL)
    running.server.wait_until_quiet()
    return str(first.url)


def _measure_alone(url: str, load: Load) -> Hits:
    """Raises WrongAnswer."""
    with _start_client(url, rate=load.rate) as client:
        time.sleep(load.seconds)
        return _end_client(client)


def _measure_beside(running: Running, url: str, names: Sequence[str], *, rate: float) -> tuple[Hits, Misses]:
    """Hits end when the last miss has been asked for: until then sixteen were under way. Raises WrongAnswer."""
    all_asked = threading.Event()

    def fetch(name: str) -> httpx.Response:
        if name == names[-1]:
            all_asked.set()
        return running.fetch(name, _MISS)

    cpu_before, started = running.server.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as threads, _start_client(url, rate=rate) as client:
        answers = [threads.submit(fetch, name) for name in names]
        all_asked.wait()
        wall_seconds = time.perf_counter() - started
        cpu_seconds = running.server.cpu_seconds() - cpu_before
        hits = _end_client(client)
    for answer in answers:
        check_answer(answer.result(), ask=_MISS, original=_ORIGINAL)
    running.server.wait_until_quiet()
    answered = len(names) - AT_ONCE
    return hits, Misses(per_second=answered / wall_seconds, busy=cpu_seconds / (wall_seconds * CORES))


def _start_client(url: str, *, rate: float) -> subprocess.Popen[str]:
    """A process of its own, so that what it measures does not wait for our threads."""
    command = (sys.executable, "-m", "benchmarks.steady", url, str(rate))
    return subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _end_client(client: subprocess.Popen[str]) -> Hits:
    """Raises WrongAnswer."""
    output, complaint = client.communicate(timeout=_CLIENT_ENDED_WITHIN)
    if client.returncode != 0:
        raise WrongAnswer(complaint.strip()[-300:])
    seconds = json.loads(output)
    return Hits(**{name: [each * 1000 for each in seconds[name]] for name in ("answers", "lateness")})


if __name__ == "__main__":
    main()
