"""Where contenders meet: the command line, scratch folders, and all of them running side by side."""

import argparse
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.answers import WrongAnswer
from benchmarks.contender import Contender, Setting, Unavailable
from benchmarks.contenders import CONTENDERS
from benchmarks.jobs import Ask
from benchmarks.processes import Server, ServerFailed

_ANSWERED_WITHIN = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a whole benchmark has in common. `cache` keeps what is drawn or installed once."""

    contenders: Sequence[str]
    rounds: int
    cache: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    contender: Contender
    server: Server
    client: httpx.Client

    def fetch(self, name: str, ask: Ask) -> httpx.Response:
        """Raises WrongAnswer where there is none, or no way to ask."""
        try:
            return self.client.get(self.contender.target(name, ask))
        except httpx.TransportError as error:
            raise WrongAnswer(f"expected an answer, got {type(error).__name__}") from error

    def spend(self, urls: Sequence[str]) -> tuple[float, Sequence[httpx.Response]]:
        """Microseconds of the server's CPU a request, one after the other, and what was answered."""
        cpu_before = self.server.cpu_seconds()
        answers = [self.client.get(url) for url in urls]
        self.server.wait_until_quiet()
        return (self.server.cpu_seconds() - cpu_before) / len(urls) * 1e6, answers


def add_arguments(parser: argparse.ArgumentParser, *, contenders: Sequence[str]) -> None:
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender has its turn (default: 5)")
    parser.add_argument("--contenders", nargs="+", choices=contenders, default=contenders)
    add_cache_argument(parser)


def end_orderly_when_terminated() -> None:
    """Servers are stopped and scratch folders removed then, as they are after Ctrl+C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def add_cache_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "imgsvc-benchmarks")


def stage_from_arguments(arguments: argparse.Namespace) -> Stage:
    return Stage(contenders=arguments.contenders, rounds=arguments.rounds, cache=arguments.cache.resolve())


@contextmanager
def scratch_folder(cache: Path) -> Generator[Path]:
    """On the file system of the cache: a /tmp in memory would take part in what is measured."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=cache) as folder:
        yield Path(folder)


@contextmanager
def start_contenders(
    stage: Stage,
    *,
    originals: Sequence[Path],
    scratch: Path,
    render_processes: int = 2,
    keep_results: bool = False,
    core: int | None = None,
) -> Generator[Mapping[str, Running]]:
    """All of the stage's that can take part, started; why one cannot is printed."""
    running: dict[str, Running] = {}
    with ExitStack() as stack:
        for name in stage.contenders:
            folder = scratch / name
            folder.mkdir(parents=True)
            setting = Setting(
                originals=originals,
                scratch=folder,
                port=find_free_port(),
                render_processes=render_processes,
                keep_results=keep_results,
                cache=stage.cache,
            )
            try:
                contender = CONTENDERS[name](setting)
                server = stack.enter_context(contender.server(core=core))
            except (Unavailable, ServerFailed) as error:
                say(f"  {name} takes no part: {error}")
                continue
            client = stack.enter_context(httpx.Client(base_url=contender.origin, timeout=_ANSWERED_WITHIN))
            running[name] = Running(contender=contender, server=server, client=client)
        yield running


def take_turns(names: Iterable[str], steps: Iterable[Callable[[str], None]]) -> Sequence[str]:
    """Each step by every contender before the next; returns those whose answers were right throughout.

    A step raises WrongAnswer; what was wrong is printed, and its contender takes no further step.
    """
    left = list(names)
    for step in steps:
        for name in tuple(left):
            try:
                step(name)
            except WrongAnswer as error:
                say(f"  {name} is left out: {error}")
                left.remove(name)
    return left


def find_free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def say(text: str) -> None:
    """To standard error; standard output is for results."""
    print(text, file=sys.stderr, flush=True)
