"""Archives: a zip of many stored renditions over loopback HTTP, against zipfile writing the same files to nowhere.

Both in turn in each round. The service finds every asset, plans it and looks it up each time, as it does for anybody.
"""

import argparse
import io
import json
import os
import socket
import sqlite3
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from benchmarks.contender import Setting
from benchmarks.contenders import prepare_imgsvc
from benchmarks.originals import write_copies
from benchmarks.processes import Server
from benchmarks.stage import add_cache_argument, end_orderly_when_terminated, find_free_port, say, scratch_folder
from benchmarks.tables import print_rows, ratio, spread

_TOKEN = "a-token-that-permits-everything"
_RENDITION = "maxWidth=600&format=webp"
_ANSWERED_WITHIN = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to be started. `request` spells the HTTP request for an archive of so many, head and body.

    `derivatives` is the folder in which what is archived lies, once it has been asked for.
    """

    server: Server
    port: int
    request: Callable[[int], bytes]
    derivatives: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    wall_seconds: float
    cpu_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each has its turn (default: 15)")
    parser.add_argument("--count", type=int, default=1000, help="renditions in the archive (default: 1000)")
    parser.add_argument(
        "--memory",
        type=int,
        nargs="*",
        default=(1000, 10_000),
        help="counts to measure memory with (default: 1000 10000)",
    )
    add_cache_argument(parser)
    arguments = parser.parse_args()
    end_orderly_when_terminated()
    cache = arguments.cache.resolve()
    with scratch_folder(cache) as scratch:
        target = prepare_target(
            cache, scratch, distinct=arguments.count, count=max(arguments.count, *arguments.memory, 0)
        )
        with target.server:
            measure_speed(target, count=arguments.count, rounds=arguments.rounds)
            measure_memory(target, counts=arguments.memory)


def prepare_target(cache: Path, scratch: Path, *, distinct: int, count: int) -> Target:
    """The service, with one server process, so many distinct originals and so many assets."""
    say(f"taking {distinct} originals in")
    originals = write_copies("s1k", count=distinct, cache=cache, folder=scratch / "originals")
    setting = Setting(originals=originals, scratch=scratch, port=find_free_port(), cache=cache)
    contender = prepare_imgsvc(setting)
    data = scratch / "data"
    ids = add_assets(data / "catalog.sqlite", count=count)
    server = Server(
        contender.command,
        environment={**contender.environment, "IMGSVC_TOKEN": _TOKEN},
        ready_url=contender.origin + contender.ready_path,
        log=scratch / "server.log",
    )

    def request(count: int) -> bytes:
        body = json.dumps(ids[:count]).encode()
        head = (
            f"POST /struct/assets/batch/data?{_RENDITION} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {_TOKEN}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body

    return Target(server=server, port=setting.port, request=request, derivatives=data / "derivatives")


def measure_speed(target: Target, *, count: int, rounds: int) -> None:
    """Rendered first; the archive after that, not counted, is looked at: all members are there and whole."""
    say(f"rendering {count} pictures")
    fetch(target, count)
    check_archive(fetch(target, count, keep=True), count=count)
    files = sorted(target.derivatives.rglob("*.webp"))[:count]
    served: list[Turn] = []
    written: list[Turn] = []
    for number in range(rounds):
        served.append(take_turn(partial(fetch, target, count), cpu_seconds=target.server.cpu_seconds))
        written.append(take_turn(partial(write_archive, files), cpu_seconds=time.process_time))
        say(f"  round {number + 1}: {served[-1].wall_seconds * 1e3:.0f} ms, {written[-1].wall_seconds * 1e3:.0f} ms")
    walls, walls_written = ([turn.wall_seconds * 1e3 for turn in turns] for turns in (served, written))
    cpus, cpus_written = ([turn.cpu_seconds * 1e3 for turn in turns] for turns in (served, written))
    print_rows(
        (f"Archive of {count} renditions", "imgsvc over HTTP", "zipfile to nowhere", "speed by zipfile's"),
        (
            ("wall ms", spread(walls), spread(walls_written), ratio(walls_written, walls)),
            ("CPU ms, server and writer", spread(cpus), spread(cpus_written), ratio(cpus_written, cpus)),
        ),
    )


def measure_memory(target: Target, *, counts: Sequence[int]) -> None:
    rows: list[tuple[str, str]] = []
    for count in counts:
        with target.server.watch_memory() as peak:
            fetch(target, count)
        rows.append((str(count), f"{peak.size / 1e6:.1f}"))
        say(f"  {count}: {rows[-1][1]} MB")
    print_rows(("Renditions in the archive", "peak memory of the server, MB"), rows)


def take_turn(work: Callable[[], object], *, cpu_seconds: Callable[[], float]) -> Turn:
    cpu_before, wall_before = cpu_seconds(), time.perf_counter()
    work()
    wall_after = time.perf_counter()
    return Turn(wall_seconds=wall_after - wall_before, cpu_seconds=cpu_seconds() - cpu_before)


def fetch(target: Target, count: int, *, keep: bool = False) -> bytes:
    """Head and body, or nothing where they are not kept: a client that costs as little as one can."""
    kept, buffer = bytearray(), bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", target.port), timeout=_ANSWERED_WITHIN) as connection:
        connection.sendall(target.request(count))
        while received := connection.recv_into(buffer):
            if keep:
                kept += memoryview(buffer)[:received]
    return bytes(kept)


def write_archive(files: Sequence[Path]) -> None:
    with open(os.devnull, "wb") as nowhere, zipfile.ZipFile(nowhere, "w", zipfile.ZIP_STORED) as archive:
        for number, path in enumerate(files):
            archive.write(path, f"Red Shirt {number}.webp")


def check_archive(answer: bytes, *, count: int) -> None:
    """Raises ValueError."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"\r\ncontent-length:" not in head.lower():
        raise ValueError(f"expected an archive of known length, got {head[:200]!r}")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        if len(archive.namelist()) != count or archive.testzip() is not None:
            raise ValueError(f"expected {count} whole members, got {len(archive.namelist())}")


def add_assets(catalogue: Path, *, count: int) -> list[str]:
    """The serials of so many assets: of those that were imported, and of others that show the same originals."""
    with closing(sqlite3.connect(catalogue)) as connection, connection:
        imported = connection.execute("SELECT digest, name FROM assets ORDER BY serial").fetchall()
        for number in range(len(imported), count):
            digest, name = imported[number % len(imported)]
            connection.execute(
                _COPY, {"id": str(UUID(int=number)), "slug": f"a{number:07}", "digest": digest, "name": name}
            )
        rows = connection.execute("SELECT serial FROM assets ORDER BY serial LIMIT ?", (count,))
        return [str(serial) for (serial,) in rows]


_COPY = """
INSERT INTO assets (id, slug, instance, code, name, digest, description, active, attributes, classifications,
    created, modified, created_by, updated_by)
VALUES (:id, :slug, 'default', :id, :name, :digest, '', 1, '{}', '[]',
    '2026-03-01 12:00:00', '2026-03-01 12:00:00', 0, 0)
"""


if __name__ == "__main__":
    main()
