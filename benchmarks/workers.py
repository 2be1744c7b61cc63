"""Server processes: how many stored pictures a second go out as `imgsvc serve --workers` grows.

The client has its part of the cores: where it takes one of two, a second process can have no more than what is left.
"""

import argparse
import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from benchmarks.answers import check_answer
from benchmarks.contender import Setting
from benchmarks.contenders import prepare_imgsvc
from benchmarks.jobs import HITS
from benchmarks.load import choose_client, send_load
from benchmarks.originals import write_copies
from benchmarks.processes import Server
from benchmarks.stage import add_cache_argument, end_orderly_when_terminated, find_free_port, say, scratch_folder
from benchmarks.tables import print_rows, ratio, spread

_ORIGINAL = "p12"
_HIT = HITS["20 KB"]
_WARM_SECONDS = 1
_ASKED_BEFORE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`url` is of a picture that every process has in memory."""

    workers: int
    server: Server
    url: str
    per_second: list[float] = field(default_factory=list[float])
    cpu_microseconds: list[float] = field(default_factory=list[float])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each service has its turn (default: 5)")
    parser.add_argument("--seconds", type=int, default=3, help="a turn takes this long (default: 3)")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=range(1, (os.cpu_count() or 1) + 1), help="processes of each service"
    )
    add_cache_argument(parser)
    arguments = parser.parse_args()
    end_orderly_when_terminated()
    say(f"client {choose_client()}, {os.cpu_count()} cores")
    with ExitStack() as stack:
        services = [
            stack.enter_context(_serve(number, cache=arguments.cache.resolve())) for number in arguments.workers
        ]
        for number in range(arguments.rounds):
            say(f"round {number + 1}")
            for service in services:
                _take_turn(service, seconds=arguments.seconds)
    _print(services)


@contextmanager
def _serve(workers: int, *, cache: Path) -> Generator[Service]:
    """Raises WrongAnswer, Unavailable, ServerFailed."""
    with scratch_folder(cache) as scratch, ExitStack() as stack:
        originals = write_copies(_ORIGINAL, count=1, cache=cache, folder=scratch / "originals")
        contender = prepare_imgsvc(
            Setting(originals=originals, scratch=scratch, port=find_free_port(), render_processes=1, cache=cache)
        )
        contender = replace(contender, environment={**contender.environment, "IMGSVC_WORKERS": str(workers)})
        server = stack.enter_context(contender.server())
        client = stack.enter_context(httpx.Client(base_url=contender.origin))
        target = contender.target(originals[0].name, _HIT)
        for _ in range(_ASKED_BEFORE):
            client.get(target)
            server.wait_until_quiet()
        answer = client.get(target)
        check_answer(answer, ask=_HIT, original=_ORIGINAL)
        send_load(str(answer.url), seconds=_WARM_SECONDS)
        yield Service(workers=workers, server=server, url=str(answer.url))


def _take_turn(service: Service, *, seconds: int) -> None:
    """Raises WrongAnswer."""
    cpu_before = service.server.cpu_seconds()
    answered = send_load(service.url, seconds=seconds)
    service.cpu_microseconds.append((service.server.cpu_seconds() - cpu_before) / answered * 1e6)
    service.per_second.append(answered / seconds)


def _print(services: Sequence[Service]) -> None:
    rows = [
        (
            str(service.workers),
            spread(service.per_second),
            ratio(service.per_second, services[0].per_second),
            spread(service.cpu_microseconds),
        )
        for service in services
    ]
    print_rows(("Server processes", "hits of 20 KB a second", "multiple", "server CPU, µs a request"), rows)


if __name__ == "__main__":
    main()
