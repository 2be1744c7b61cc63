"""Hits: what an answer costs that is stored already, against the least a server in Python can do, and thumbor.

The servers have one core and the client another. A conditional request is one the client holds the answer to. All
but thumbor send what imgsvc answered, raw servers under the very same headers.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.answers import WrongAnswer, check_answer
from benchmarks.jobs import HITS, Ask
from benchmarks.load import choose_client, send_load
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
from benchmarks.stored import store_answer, stored_folder, stored_name
from benchmarks.tables import NOTHING, Quantity, print_comparison, ratio, spread

_CONTENDERS = ("imgsvc", "raw memory", "imgsvc disk", "raw file", "imgsvc-nginx", "nginx static", "thumbor")
_YARDSTICKS = ("raw memory", "raw file", "nginx static", "thumbor")
_WARM_SECONDS = 1
_ASKED_BEFORE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    ask: Ask
    is_conditional: bool


CASES: Sequence[Case] = (
    *(Case(name=f"{size} JPEG", ask=ask, is_conditional=False) for size, ask in HITS.items()),
    Case(name="304", ask=HITS["20 KB"], is_conditional=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    cpu_microseconds: float
    requests_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A case as one contender is asked for it; `size` in bytes of the body of an unconditional answer."""

    running: Running
    url: str
    etag: str | None
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    size: int
    turns: list[Turn]


Results = Mapping[str, Result]
"""By the contender's name."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hit", description=__doc__)
    add_arguments(parser, contenders=_CONTENDERS)
    parser.add_argument("--seconds", type=int, default=3, help="a turn takes this long (default: 3)")
    arguments = parser.parse_args()
    stage = stage_from_arguments(arguments)
    end_orderly_when_terminated()
    client_core, *_, server_core = sorted(os.sched_getaffinity(0))
    say(f"client {choose_client()} on core {client_core}, servers on core {server_core}")
    with scratch_folder(stage.cache) as scratch:
        originals = write_copies("p12", count=1, cache=stage.cache, folder=scratch / "originals")
        with start_contenders(
            stage, originals=originals, scratch=scratch, render_processes=1, keep_results=True, core=server_core
        ) as running:
            measured = {
                case.name: measure_case(case, stage, running, seconds=arguments.seconds, core=client_core)
                for case in CASES
            }
    print_comparison(_QUANTITIES, measured, stage.contenders)


def measure_case(case: Case, stage: Stage, running: Mapping[str, Running], *, seconds: int, core: int) -> Results:
    """Without contenders that answer wrongly; what they lacked is printed."""
    say(f"{case.name}:")
    targets: dict[str, Target] = {}
    turns: dict[str, list[Turn]] = {name: [] for name in running}

    def aim(name: str) -> None:
        targets[name] = _aim(case, running[name])

    def warm(name: str) -> None:
        _take_turn(targets[name], seconds=_WARM_SECONDS, core=core)

    def measure(name: str) -> None:
        turns[name].append(_take_turn(targets[name], seconds=seconds, core=core))

    left = take_turns(running, (aim, warm, *(measure for _ in range(stage.rounds))))
    results = {name: Result(size=targets[name].size, turns=turns[name]) for name in left}
    for name in left:
        say(f"  {name}: {_cpu(results, name)} µs CPU, {_throughput(results, name)} a second")
    return results


def _aim(case: Case, running: Running) -> Target:
    """Asks as the load will, once what is answered has been stored and is final. Raises WrongAnswer."""
    setting = running.contender.setting
    name = setting.originals[0].name
    for _ in range(_ASKED_BEFORE):
        running.fetch(name, case.ask)
        running.server.wait_until_quiet()
    first = running.fetch(name, case.ask)
    check_answer(first, ask=case.ask, original="p12")
    if running.contender.name == "imgsvc":
        store_answer(first, stored_folder(setting.scratch) / stored_name(case.ask), client=running.client)
    etag: str | None = None
    if case.is_conditional:
        etag = first.headers.get("etag")
        if etag is None:
            raise WrongAnswer("expected an ETag, got none")
        second = running.client.get(str(first.url), headers={"if-none-match": etag})
        if second.status_code != 304:
            raise WrongAnswer(f"expected status 304, got {second.status_code}")
    return Target(running=running, url=str(first.url), etag=etag, size=len(first.content))


def _take_turn(target: Target, *, seconds: int, core: int) -> Turn:
    """Raises WrongAnswer."""
    server = target.running.server
    cpu_before = server.cpu_seconds()
    answered = send_load(target.url, seconds=seconds, etag=target.etag, core=core)
    cpu_seconds = server.cpu_seconds() - cpu_before
    return Turn(cpu_microseconds=cpu_seconds / answered * 1e6, requests_per_second=answered / seconds)


def _cpu(results: Results, name: str) -> str:
    return spread([turn.cpu_microseconds for turn in results[name].turns])


def _throughput(results: Results, name: str) -> str:
    return spread([turn.requests_per_second for turn in results[name].turns])


def _share_of(yardstick: str) -> Quantity[Result]:
    """Requests that a second of CPU answers, by those that it answers for the yardstick."""

    def share(results: Results, name: str) -> str:
        if yardstick not in results:
            return NOTHING
        cpu = {each: [turn.cpu_microseconds for turn in results[each].turns] for each in (name, yardstick)}
        return ratio(cpu[yardstick], cpu[name])

    return share


def _size(results: Results, name: str) -> str:
    return str(results[name].size)


_QUANTITIES: Mapping[str, Quantity[Result]] = {
    "Hit: server CPU, µs a request": _cpu,
    **{f"Hit: requests a CPU second, as a multiple of {name}": _share_of(name) for name in _YARDSTICKS},
    "Hit: requests a second": _throughput,
    "Hit: bytes of the picture": _size,
}


if __name__ == "__main__":
    main()
