"""What befalls a service: processes killed, files of the cache harmed, its folder taken away and brought back."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event
from uuid import uuid4

from tests.servers import Service
from tests.soak.record import Disturbance, Record

FOREIGN = "foreign"
"""What names of files begin with that are none of the service's."""


@dataclass
class Chaos:
    """One server process is spared, so that it can be seen how it ages; so is the broker for the last two thirds.

    `kill_seconds` lie between kills, `harm_seconds` between everything else.
    """

    service: Service
    record: Record
    seconds: float
    kill_seconds: float
    harm_seconds: float
    spared: int
    random: Random = field(default_factory=lambda: Random(1))

    def work(self, stop: Event) -> None:
        """Until `stop` is set."""
        began = killed = time.monotonic()
        turn = 0
        while not stop.wait(self.harm_seconds):
            (harm,) = self.random.choices(
                (self.cut, self.flip, self.unlink, self.drop, self.take_away), (4, 4, 4, 4, 0.4)
            )
            with suppress(FileNotFoundError, NotADirectoryError):
                harm(stop)
            now = time.monotonic()
            if now - killed >= self.kill_seconds:
                brokers = (self.kill_broker,) if now - began < self.seconds / 3 else ()
                kills: Sequence[Callable[[], None]] = (*brokers, self.kill_worker, self.kill_server)
                kills[turn % len(kills)]()
                killed, turn = now, turn + 1
            self.release()

    def kill_broker(self) -> None:
        self._kill(self.service.broker(), Disturbance.BROKER)

    def kill_server(self) -> None:
        for pid in self.service.servers():
            if pid != self.spared:
                self._kill(pid, Disturbance.SERVER)

    def kill_worker(self) -> None:
        workers = self.service.render_workers()
        if workers:
            self._kill(self.random.choice(workers), Disturbance.WORKER)

    def cut(self, stop: Event) -> None:
        path = self._any_file()
        os.truncate(path, self.random.randrange(path.stat().st_size))
        self.record.count("files cut")

    def flip(self, stop: Event) -> None:
        path = self._any_file()
        with path.open("r+b") as file:
            place = self.random.randrange(path.stat().st_size)
            file.seek(place)
            (byte,) = file.read(1)
            file.seek(place)
            file.write(bytes([byte ^ 1 << self.random.randrange(8)]))
        self.record.count("files flipped")

    def unlink(self, stop: Event) -> None:
        self._any_file().unlink()
        self.record.count("files deleted")

    def drop(self, stop: Event) -> None:
        """What nobody asked for, in a place of the cache's own; sometimes in that of a derivative."""
        path = self._any_file()
        if self.random.random() < 0.5:
            path.unlink()
            path.mkdir()
        else:
            path.with_name(f"{FOREIGN}-{uuid4().hex}").write_bytes(bytes(1000))
        self.record.count("foreign files")

    def take_away(self, stop: Event) -> None:
        """What was made in its place meanwhile goes."""
        folder = self.service.data / self.random.choice(("derivatives", "pyramids"))
        elsewhere, made = folder.with_name(f"away-{folder.name}"), folder.with_name(f"made-{folder.name}")
        self.record.disturb(Disturbance.CACHE)
        folder.rename(elsewhere)
        stop.wait(self.random.random() * 2)
        while elsewhere.exists():
            with suppress(OSError):
                if folder.exists():
                    folder.rename(made)
                elsewhere.rename(folder)
            shutil.rmtree(made, ignore_errors=True)
        self.record.disturb(Disturbance.CACHE)

    def release(self) -> None:
        """As an operator does who knows why workers died."""
        if self.service.data.joinpath("quarantine").is_dir():
            for path in list(self.service.data.joinpath("quarantine").iterdir()):
                self.service.command("quarantine", "release", path.name)
                self.record.count("released from quarantine")

    def _kill(self, pid: int, disturbance: Disturbance) -> None:
        with suppress(ProcessLookupError):
            self.record.disturb(disturbance)
            os.kill(pid, signal.SIGKILL)

    def _any_file(self) -> Path:
        """Of either cache. Raises FileNotFoundError."""
        files = [path for folder in ("derivatives", "pyramids") for path in cached(self.service.data / folder)]
        if not files:
            raise FileNotFoundError
        return self.random.choice(files)


def cached(folder: Path) -> list[Path]:
    """Its own files. What goes meanwhile may be missing, the folder itself among it."""
    found: list[Path] = []
    for shard in range(256):
        for place, _, names in os.walk(folder / f"{shard:02x}"):
            found += [Path(place) / name for name in names if not name.startswith(FOREIGN)]
    return found
