"""A server under measurement: started, asked for its CPU time and memory as a whole tree of processes, stopped."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

PROJECT = Path(__file__).resolve().parent.parent

_READY_WITHIN = 60.0
_STOPPED_WITHIN = 10.0
_QUIET_AFTER = 0.15  # seconds without noticeable CPU that count as idle
_QUIET_WITHIN = 60.0
_QUIET_SHARE = 0.05  # of one core: what an idle server may use for its clocks
_SAMPLE_EVERY = 0.02


class ServerFailed(Exception):
    """The server ended or did not answer in time; the text ends with what it printed last."""


class Server:
    """One server and its descendants, found as children of children or by the session it was started in."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        ready_url: str,
        log: Path,
        core: int | None = None,
    ) -> None:
        self._command = command
        self._core = core
        self._environment = {**os.environ, **environment}
        self._ready_url = ready_url
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as log, pinned_to(self._core):
            self._process = subprocess.Popen(
                self._command,
                cwd=PROJECT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._stop(self._process)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        self._stop(self._process)

    def cpu_seconds(self) -> float:
        """User and system time spent so far by the living, to the nanosecond, and by the reaped, in clock ticks."""
        return sum(_spent_alive(stat.pid) + stat.reaped_seconds for stat in self._tree())

    def wait_until_quiet(self) -> None:
        """Returns when work left over from answered requests is done, so that it is counted too."""
        deadline = time.monotonic() + _QUIET_WITHIN
        while time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(_QUIET_AFTER)
            if self.cpu_seconds() - before < _QUIET_SHARE * _QUIET_AFTER:
                return

    @contextmanager
    def watch_memory(self) -> Generator["PeakMemory"]:
        """Samples the tree's memory from a thread until the block ends. The sampling itself costs time."""
        peak = PeakMemory()
        ended = threading.Event()

        def sample() -> None:
            while not ended.is_set():
                peak.note(sum(_proportional_set_size(stat.pid) for stat in self._tree()))
                ended.wait(_SAMPLE_EVERY)

        thread = threading.Thread(target=sample, daemon=True)
        thread.start()
        try:
            yield peak
        finally:
            ended.set()
            thread.join()

    def _tree(self) -> list["_Stat"]:
        assert self._process is not None
        root = self._process.pid
        stats = list(_all_stats())
        tree = {stat.pid for stat in stats if stat.session == root}
        found = True
        while found:
            found = {stat.pid for stat in stats if stat.parent in tree} - tree
            tree |= found
        return [stat for stat in stats if stat.pid in tree]

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            with suppress(httpx.TransportError):
                if httpx.get(self._ready_url, timeout=2).status_code < 500:
                    return
            time.sleep(0.05)
        last_words = self._log.read_bytes()[-600:].decode(errors="replace").strip()
        raise ServerFailed(f"{Path(self._command[0]).name} did not get ready: {last_words}")

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        tree = {stat.identity for stat in self._tree()}
        process.terminate()
        try:
            process.wait(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # A folder removed while somebody still writes into it would come back.
        deadline = time.monotonic() + _STOPPED_WITHIN
        while left := [stat.pid for stat in _all_stats() if stat.identity in tree]:
            if time.monotonic() > deadline:
                for pid in left:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)


@contextmanager
def pinned_to(core: int | None) -> Generator[None]:
    """Processes started within the block, by this thread, run on this core alone. None leaves them free."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class PeakMemory:
    """The largest sum seen of the processes' proportional set sizes: pages shared by n processes count 1/n each."""

    def __init__(self) -> None:
        self.size = 0

    def note(self, size: int) -> None:
        self.size = max(self.size, size)


class _Stat:
    """The fields of /proc/<pid>/stat (proc_pid_stat(5)) that are used here."""

    __slots__ = ("identity", "parent", "pid", "reaped_seconds", "session")

    def __init__(self, text: str) -> None:
        # The second field is the program's name in parentheses and may hold spaces and parentheses itself.
        name_end = text.rindex(")")
        fields = text[name_end + 2 :].split()
        self.pid = int(text[: text.index(" ")])
        self.parent = int(fields[1])
        self.session = int(fields[3])
        self.identity = (self.pid, fields[19])  # with the time it started: ids are used again
        self.reaped_seconds = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _all_stats() -> Iterator[_Stat]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                yield _Stat((folder / "stat").read_text())


def _spent_alive(pid: int) -> float:
    # A process's CPU clock is numbered as clock_getcpuclockid(3) does it; unlike /proc it does not round to ticks,
    # which are as long as a small request.
    process_clock = (~pid << 3) | 2
    with suppress(OSError):
        return time.clock_gettime(process_clock)
    return 0.0


def _proportional_set_size(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
