"""Looks at processes and at the disk while the service runs, and what they come to."""

import re
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from threading import Event
from typing import NamedTuple

from tests.servers import Service, is_alive
from tests.soak.chaos import cached
from tests.soak.record import Disturbance, Record


class Look(NamedTuple):
    """At one process; `memory` is its proportional set size in bytes: proc_pid_smaps(5)."""

    moment: float
    memory: int
    files: int
    threads: int


MORE_MEMORY, MORE_FILES, MORE_THREADS = 12 << 20, 6, 3
"""By which the median of the last third may be above that of the second one; a tenth of memory besides."""


@dataclass
class Watch:
    """`budgets`: bytes that each folder of the data may hold."""

    service: Service
    record: Record
    budgets: dict[str, int]
    pause: float = 1.0
    looks: dict[tuple[str, int], list[Look]] = field(default_factory=lambda: defaultdict(list[Look]))
    fullest: dict[str, int] = field(default_factory=dict[str, int])

    def work(self, stop: Event) -> None:
        """Until `stop` is set."""
        while not stop.wait(self.pause):
            self.look()
            for folder, budget in self.budgets.items():
                # While files are counted others take their place, and both would count.
                held = min(held_bytes(self.service.data / folder) for _ in range(3))
                self.fullest[folder] = max(held, self.fullest.get(folder, 0))
                # What was being entered then is found when the folder is compared with its index.
                cause = {Disturbance.BROKER, Disturbance.CACHE}
                if held > budget and not self.record.is_excused(time.monotonic(), cause):
                    self.record.complain(f"{folder} holds {held} bytes of {budget}")

    def look(self) -> None:
        for role, pid in self._processes():
            with suppress(OSError):
                self.looks[role, pid].append(look_at(pid))

    def grown(self, *, began: float, seconds: float) -> list[str]:
        """Of each process that lived through the last two thirds of the run, what did not stay flat."""
        found: list[str] = []
        for (role, pid), looks in self.looks.items():
            second = [look for look in looks if 1 / 3 <= (look.moment - began) / seconds < 2 / 3]
            last = [look for look in looks if (look.moment - began) / seconds >= 2 / 3]
            # What render workers keep is bounded, and they are replaced.
            if role == "render worker" or not is_alive(pid) or len(second) < 0.8 * len(looks) / 3 or not last:
                continue
            for index, (name, more, share) in enumerate(
                (("memory", MORE_MEMORY, 0.1), ("files", MORE_FILES, 0), ("threads", MORE_THREADS, 0)), start=1
            ):
                before, after = (median(look[index] for look in third) for third in (second, last))
                if after > before * (1 + share) + more:
                    found.append(f"{name} of {role} {pid}: {before:g}, then {after:g}")
        return found

    def summary(self) -> list[str]:
        """A line for each process that was looked at often."""
        lines: list[str] = []
        for (role, pid), looks in sorted(self.looks.items()):
            if len(looks) < max(map(len, self.looks.values())) / 3:
                continue
            ends = [median(look.memory for look in some) / 1e6 for some in (looks[: len(looks) // 3], looks[-9:])]
            most = [max(look[index] for look in looks) for index in (1, 2, 3)]
            lines.append(
                f"{role} {pid}: {ends[0]:.0f} MB, at the end {ends[1]:.0f} MB, at most {most[0] / 1e6:.0f} MB, "
                f"{most[1]} files, {most[2]} threads"
            )
        return lines

    def _processes(self) -> list[tuple[str, int]]:
        with suppress(TimeoutError):
            return [
                ("supervisor", self.service.pid),
                ("broker", self.service.broker()),
                *(("server process", pid) for pid in self.service.servers()),
                *(("render worker", pid) for pid in self.service.render_workers()),
            ]
        return []


def look_at(pid: int) -> Look:
    """Raises OSError where it has ended."""
    process = Path(f"/proc/{pid}")
    found = re.search(r"^Pss:\s+(\d+) kB", (process / "smaps_rollup").read_text(), re.MULTILINE)
    if found is None:
        raise ProcessLookupError
    files, threads = (len(list((process / folder).iterdir())) for folder in ("fd", "task"))
    return Look(time.monotonic(), int(found[1]) * 1024, files, threads)


def held_bytes(folder: Path) -> int:
    """Of derivatives; what goes meanwhile counts nothing."""
    held = 0
    for path in cached(folder):
        with suppress(OSError):
            held += path.stat().st_size
    return held
