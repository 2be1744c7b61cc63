"""The real service for tests: `imgsvc serve` in processes of its own, spoken to over loopback, stopped at the end."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")

TOKEN = "a token that permits everything"
IMGSVC = (sys.executable, "-m", "imgsvc")

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_PAUSE = 0.01
_ANSWER_SECONDS = 60.0
_BUSY_TICKS = 5
"""Hundredths of a second of processor time (proc_pid_stat(5)): more than an idle process has use for."""


def poll(look: Callable[[], T | None], *, for_what: str, seconds: float = 30.0) -> T:
    """What `look` gives as soon as it is neither None nor False. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(_PAUSE)
    raise TimeoutError(f"waited {seconds:g} seconds for {for_what}")


def environment(data: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """What a child process gets: this one's environment without any settings of its own, and these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMGSVC_")}
    return inherited | {"IMGSVC_DATA": str(data)} | {f"IMGSVC_{name.upper()}": text for name, text in settings.items()}


def run_command(data: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`imgsvc` with these arguments, to its end."""
    return subprocess.run(
        [*IMGSVC, *arguments],
        env=environment(data, settings),
        capture_output=True,
        text=True,
        timeout=_ANSWER_SECONDS,
        check=False,
    )


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running one. `process` is its supervisor; `data` its folder; `log` what all its processes write."""

    url: str
    process: subprocess.Popen[bytes]
    data: Path
    log: Path
    settings: Mapping[str, str]

    @property
    def pid(self) -> int:
        return self.process.pid

    @cached_property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=_ANSWER_SECONDS, trust_env=False)

    def close(self) -> None:
        """The client, where it was used."""
        if "client" in vars(self):
            self.client.close()

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Header names with `_` for `-`. Redirects are not followed."""
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def upload(
        self, data: bytes, name: str = "picture.png", *, part: str = "Filename", token: str | None = TOKEN
    ) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.client.post(
            "/iqmetrix/assets", files={part: (name, data, "application/octet-stream")}, headers=headers
        )

    def add(self, data: bytes, name: str = "picture.png") -> str:
        """The GUID of a new asset."""
        answer = self.upload(data, name)
        assert answer.status_code == 201, answer.text
        guid = answer.json()["id"]
        assert isinstance(guid, str)
        return guid

    def add_prepared(self, data: bytes, name: str = "picture.png") -> str:
        """As `add`, of an original large enough for a pyramid, once that is there: no answer will be provisional."""
        guid = self.add(data, name)
        built = {"event": "pyramid", "original": sha256(data).hexdigest(), "outcome": "built"}.items()
        poll(lambda: any(built <= event.items() for event in self.events()) or None, for_what="its pyramid")
        return guid

    def media_path(self, guid: str) -> str:
        """The asset's URL in Struct's dialect; the file name in it is anybody's."""
        with closing(sqlite3.connect(self.data / "catalog.sqlite")) as catalog:
            (slug,) = catalog.execute("SELECT slug FROM assets WHERE id = ?", (guid,)).fetchone()
        return f"/media/{slug}/picture.png"

    def canonical_path(self, guid: str, query: str) -> str:
        """Where `/images/{guid}?{query}` redirects to."""
        answer = self.get(f"/images/{guid}?{query}")
        assert answer.status_code == 303, answer.text
        return urlsplit(answer.headers["location"]).path

    def renders(self) -> int:
        """How many have ended, well or not, since the service began."""
        return int(self.metric("imgsvc_renders_total"))

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all samples with these labels."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `imgsvc` beside it, on the same data folder."""
        return run_command(self.data, *arguments, **self.settings)

    def events(self) -> list[dict[str, Any]]:
        """Of the log so far; lines that are no event are left out."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def connect(self) -> HTTPConnection:
        """A connection of one's own, open already; whoever asks closes it."""
        address = urlsplit(self.url)
        assert address.hostname is not None
        connection = HTTPConnection(address.hostname, address.port, timeout=_ANSWER_SECONDS)
        connection.connect()
        return connection

    def process_of(self, connection: HTTPConnection) -> int | None:
        """The server process that took it, or None where none has yet."""
        inode = _socket_inode(local=urlsplit(self.url).port, remote=connection.sock.getsockname()[1])
        return next((pid for pid in self.servers() if inode is not None and inode in _open_sockets(pid)), None)

    @contextmanager
    def connections_to_every_process(self, *, each: int = 1) -> Generator[dict[int, list[HTTPConnection]]]:
        """By process. The kernel deals connections out as it likes, so they are made until all have enough."""
        made: list[HTTPConnection] = []
        dealt: dict[int, list[HTTPConnection]] = {pid: [] for pid in self.servers()}
        try:
            while min(map(len, dealt.values())) < each:
                assert len(made) < 500, "one server process takes all connections"
                made.append(self.connect())
                pid = poll(lambda: self.process_of(made[-1]), for_what="a server process to take the connection")
                dealt[pid].append(made[-1])
            yield dealt
        finally:
            for connection in made:
                connection.close()

    def broker(self) -> int:
        return poll(lambda: next(iter(_children(self.pid, "broker")), None), for_what="the broker")

    def servers(self) -> list[int]:
        return _children(self.pid, "server-process")

    def render_workers(self) -> list[int]:
        return _children(self.broker(), "imgsvc.render.worker")

    def busy_worker(self, *, besides: int | None = None) -> int:
        """One that spends processor time from now on, waited for."""
        spent = {pid: _processor_ticks(pid) for pid in self.render_workers()}

        def look() -> int | None:
            for pid in self.render_workers():
                if pid != besides and _processor_ticks(pid) >= spent.get(pid, 0) + _BUSY_TICKS:
                    return pid
            return None

        return poll(look, for_what="a render worker at work")


@contextmanager
def serving(data: Path, *, workers: int = 2, **settings: str) -> Generator[Service]:
    """Ready to answer on a port of its own. Its log is printed at the end, which pytest shows where a test fails."""
    with starting(data, workers=workers, **settings) as service:
        poll(lambda: is_ready(service), for_what="the service to be ready", seconds=_START_SECONDS)
        yield service


@contextmanager
def starting(data: Path, *, workers: int = 2, **settings: str) -> Generator[Service]:
    """As soon as it says that it serves: its processes are there and have hardly begun."""
    given = {"port": "0", "token": TOKEN, "workers": str(workers), **settings}
    data.mkdir(parents=True, exist_ok=True)
    log = data.with_name(f"{data.name}.log")
    with log.open("wb") as written:
        process = subprocess.Popen([*IMGSVC, "serve"], env=environment(data, given), stderr=written)
    try:
        url = poll(lambda: _serving_url(process, log), for_what="the service to say where", seconds=_START_SECONDS)
        service = Service(url=url, process=process, data=data, log=log, settings=given)
        poll(lambda: len(children_of(process.pid)) == workers + 1, for_what="its processes")
        try:
            yield service
        finally:
            service.close()
    finally:
        try:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()
            process.wait()
            print(log.read_text(errors="replace"))


def is_ready(service: Service) -> bool:
    try:
        return service.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def family_of(pid: int) -> list[int]:
    """All that it has started, and what those have."""
    found: list[int] = []
    for child in children_of(pid):
        found += [child, *family_of(child)]
    return found


def is_alive(pid: int) -> bool:
    """A process that has ended and waits to be fetched is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def resident_bytes(pid: int, *, peak: bool = False) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{'VmHWM' if peak else 'VmRSS'}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def children_of(pid: int) -> list[int]:
    """All that any thread of it has started; none where it has ended."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, task.read_text().split())
    return found


def _children(pid: int, argument: str) -> list[int]:
    def arguments(child: int) -> list[str]:
        try:
            return Path(f"/proc/{child}/cmdline").read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return []

    return [child for child in children_of(pid) if argument in arguments(child)]


def _serving_url(process: subprocess.Popen[bytes], log: Path) -> str | None:
    if process.poll() is not None:
        raise AssertionError(f"imgsvc serve ended with {process.returncode}:\n{log.read_text(errors='replace')}")
    found = re.search(r'"url": "([^"]+)".*"event": "serving"', log.read_text(errors="replace"))
    return None if found is None else found[1]


def _processor_ticks(pid: int) -> int:
    """In user mode."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _open_files(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            yield str(link.readlink())
        except (FileNotFoundError, ProcessLookupError):
            continue


def _open_sockets(pid: int) -> set[int]:
    return {int(path[8:-1]) for path in _open_files(pid) if path.startswith("socket:[")}


def _socket_inode(*, local: int | None, remote: int) -> int | None:
    """Of the accepted end of a loopback connection: proc_net_tcp(5), ports in hexadecimal digits."""
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = row.split()
        ports = [int(address.rpartition(":")[2], 16) for address in fields[1:3]]
        if ports == [local, remote]:
            return int(fields[9]) or None
    return None
