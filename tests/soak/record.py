"""What was done and what was seen: the states of each asset, the excuses there were, and everything that was wrong."""

import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from tests.soak.pictures import Seen, Shape, see


class State(NamedTuple):
    """Of an asset; `colour` None: it is gone."""

    colour: int | None
    folder: str = "root"


@dataclass(eq=False)
class Asset:
    """`states`: all that it was or may have become, in order. `acknowledged`: the last one that was answered for.

    One thread changes it, so that states follow each other; any may read.
    """

    guid: str
    serial: str
    slug: str
    code: str
    name: str
    shape: Shape
    states: list[State]
    acknowledged: int = 0

    @property
    def last(self) -> State:
        """That was acknowledged."""
        return self.states[self.acknowledged]

    @property
    def is_in_doubt(self) -> bool:
        """A change was sent and nobody has answered for it."""
        return self.acknowledged < len(self.states) - 1

    def since(self, moment: int) -> Sequence[State]:
        """All that may be shown to who asked when `moment` was the last state acknowledged."""
        return self.states[moment:]


class Disturbance(StrEnum):
    """What excuses answers that are none, for a moment."""

    BROKER = "broker"
    SERVER = "server process"
    WORKER = "render worker"
    CACHE = "cache folder"


EXCUSED_SECONDS = 10.0
"""After a disturbance, on a machine that is busy with others."""


@dataclass
class Record:
    """Shared by all threads."""

    assets: list[Asset] = field(default_factory=list[Asset])
    gone: deque[Asset] = field(default_factory=lambda: deque[Asset](maxlen=20))
    counts: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    longest_excuse: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _disturbed: list[tuple[float, Disturbance]] = field(default_factory=list[tuple[float, Disturbance]])
    _contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    _seen: dict[bytes, Seen] = field(default_factory=dict[bytes, Seen])
    _of_etag: dict[str, Seen] = field(default_factory=dict[str, Seen])
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def next_number(self) -> int:
        return next(self._numbers)

    def count(self, what: str, by: int = 1) -> None:
        with self.lock:
            self.counts[what] += by

    def complain(self, text: str) -> None:
        """At once, so that it is seen before a long run ends."""
        with self.lock:
            self.wrong.append(text)
        print(f"WRONG: {text}", flush=True)

    def disturb(self, disturbance: Disturbance) -> None:
        self.count(f"kills, {disturbance}" if disturbance is not Disturbance.CACHE else "cache folder away")
        self._disturbed.append((time.monotonic(), disturbance))

    def last(self, kind: Disturbance) -> float:
        """When it was, as files' times are told; 0 where it never was."""
        ago = [time.monotonic() - moment for moment, disturbance in self._disturbed if disturbance is kind]
        return time.time() - min(ago) if ago else 0.0

    def is_excused(self, sent: float, by: Collection[Disturbance]) -> bool:
        """Whether something of the kind befell a request between when it was sent and now, or shortly before."""
        now = time.monotonic()
        for moment, disturbance in reversed(self._disturbed):
            if moment + EXCUSED_SECONDS < sent:
                return False
            if disturbance in by:
                self.longest_excuse = max(self.longest_excuse, now - moment)
                return True
        return False

    def look_at(self, content: bytes, etag: str | None) -> Seen | None:
        """What it shows; None where it is no picture. Equal ETags have to have equal bytes."""
        digest = sha256(content).digest()
        if etag is not None and self._contents.setdefault(etag, digest) != digest:
            self.complain(f"two contents under the ETag {etag}")
        if digest not in self._seen:
            try:
                self._seen[digest] = see(content)
            except (OSError, SyntaxError, ValueError):
                return None
        if etag is not None:
            self._of_etag[etag] = self._seen[digest]
        return self._seen[digest]

    def of_etag(self, etag: str) -> Seen | None:
        """What was seen under it."""
        return self._of_etag.get(etag)
