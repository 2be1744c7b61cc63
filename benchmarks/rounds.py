"""Rounds: a job asked of all contenders in turn, with copies of originals nobody has seen before.

Every request of a repetition goes out at once, sixteen at a time.
"""

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from statistics import mean

import httpx

from benchmarks.answers import WrongAnswer, check_answer
from benchmarks.jobs import THROWN_AWAY, Ask, Job
from benchmarks.originals import write_copies
from benchmarks.stage import Running, Stage, say, scratch_folder, start_contenders, take_turns
from benchmarks.tables import spread

AT_ONCE = 16
CORES = len(os.sched_getaffinity(0))

_PREPARED_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    file: str
    original: str
    ask: Ask


Round = Sequence[Sequence[Request]]
"""The requests of a repetition go out at once, the repetitions one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one contender took for one repetition of a job, in the mean over a round; bytes of all answers together.

    `busy` is the share of all cores it had between the first request and the last answer.
    """

    cpu_seconds: float
    wall_seconds: float
    size: float
    busy: float


@dataclass(slots=True, kw_only=True)
class Result:
    job: Job
    turns: list[Turn] = field(default_factory=list[Turn])
    peak_memory: int = 0  # bytes


Results = Mapping[str, Result]
"""By the contender's name."""


def measure_job(job: Job, stage: Stage) -> Results:
    """Without contenders that cannot take part or answer wrongly; what they lacked is printed.

    All are started anew and have one repetition that does not count. Memory is sampled in a round of its own behind
    the others, because sampling takes time.
    """
    say(f"{'later' if job.warm else 'first'} {job.name}:")
    with scratch_folder(stage.cache) as scratch:
        folder = scratch / "originals"
        repetitions = iter(_lay_out(job, 1 + (stage.rounds + 1) * job.repeat, cache=stage.cache, folder=folder))
        with start_contenders(stage, originals=sorted(folder.iterdir()), scratch=scratch) as running:
            results = {name: Result(job=job) for name in running}

            def prepare(turn: Round, name: str) -> None:
                if job.warm:
                    _ask_before(running[name], turn)

            def start_up(turn: Round, name: str) -> None:
                prepare(turn, name)
                _perform(running[name], turn)

            def measure_time(turn: Round, name: str) -> None:
                prepare(turn, name)
                results[name].turns.append(_perform(running[name], turn))

            def measure_memory(turn: Round, name: str) -> None:
                prepare(turn, name)
                with running[name].server.watch_memory() as peak:
                    _perform(running[name], turn)
                results[name].peak_memory = peak.size

            steps = [partial(start_up, [next(repetitions)])]
            steps += [partial(measure_time, list(islice(repetitions, job.repeat))) for _ in range(stage.rounds)]
            steps += [partial(measure_memory, list(repetitions))]
            left = take_turns(running, steps)
    for name in left:
        cpu, wall, memory = (show(results, name) for show in (show_cpu, show_wall, show_memory))
        say(f"  {name}: {cpu} ms CPU, {wall} ms, {memory} MB")
    return {name: results[name] for name in left}


def show_cpu(results: Results, name: str) -> str:
    """Milliseconds."""
    return spread([turn.cpu_seconds * 1000 for turn in results[name].turns])


def show_wall(results: Results, name: str) -> str:
    """Milliseconds."""
    return spread([turn.wall_seconds * 1000 for turn in results[name].turns])


def show_memory(results: Results, name: str) -> str:
    """Megabytes."""
    return f"{results[name].peak_memory / 1e6:.0f}"


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


def _ask_before(running: Running, turn: Round) -> None:
    """Each original for what is thrown away, until the server has nothing left to do; answers are not looked at."""

    def ask(file: str) -> None:
        for ask in THROWN_AWAY:
            with suppress(WrongAnswer):
                running.fetch(file, ask)

    files = {request.file for request in chain.from_iterable(turn)}
    with ThreadPoolExecutor(_PREPARED_AT_ONCE) as threads:
        list(threads.map(ask, sorted(files)))
    running.server.wait_until_quiet()


def _perform(running: Running, turn: Round) -> Turn:
    """Raises WrongAnswer."""

    def fetch(request: Request) -> httpx.Response:
        return running.fetch(request.file, request.ask)

    responses: list[httpx.Response] = []
    walls: list[float] = []
    cpu_before = running.server.cpu_seconds()
    with ThreadPoolExecutor(min(len(turn[0]), AT_ONCE)) as threads:
        for requests in turn:
            started = time.perf_counter()
            responses += threads.map(fetch, requests)
            walls.append(time.perf_counter() - started)
    cpu_meanwhile = running.server.cpu_seconds() - cpu_before
    running.server.wait_until_quiet()
    cpu_seconds = running.server.cpu_seconds() - cpu_before
    for request, response in zip(chain.from_iterable(turn), responses, strict=True):
        check_answer(response, ask=request.ask, original=request.original)
    return Turn(
        cpu_seconds=cpu_seconds / len(turn),
        wall_seconds=mean(walls),
        size=sum(len(response.content) for response in responses) / len(turn),
        busy=cpu_meanwhile / (sum(walls) * CORES),
    )
