"""What one client may cause to be rendered: a token bucket each, and so many at a time."""

import time
from collections import Counter
from collections.abc import Callable
from math import ceil

from cachetools import LRUCache

from imgsvc.core.errors import TooManyRequests

_BURST_SECONDS = 10.0
"""Of its rate a client may use at once: a page of pictures is asked for in one go."""

_CLIENTS = 100_000
"""Remembered; who was not seen for longest begins anew with a full bucket, as he would by then anyway."""

_ROUNDING = 1e-6
"""What arithmetic may lose of a token: who comes when he was told to is answered."""


class Allowances:
    """`rate`: renders a second for each client, `at_once`: that wait or run; 0 for as many as they like."""

    def __init__(self, rate: float, *, at_once: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._at_once = at_once
        self._clock = clock
        self._buckets: LRUCache[str, tuple[float, float]] = LRUCache(_CLIENTS)
        self._under_way: Counter[str] = Counter()

    def take(self, client: str) -> None:
        """One render's, given back when that ends; nobody in particular is not bounded. Raises TooManyRequests.

        Who has too many under way is told to wait until the bucket has one for him, and loses none over it.
        """
        if not client:
            return
        now, most = self._clock(), max(1.0, self._rate * _BURST_SECONDS)
        tokens, since = self._buckets.get(client, (most, now))
        tokens = min(most, tokens + (now - since) * self._rate)
        is_empty = self._rate > 0 and tokens < 1 - _ROUNDING
        if is_empty or 0 < self._at_once <= self._under_way[client]:
            wait = ceil((1 - tokens) / self._rate) if is_empty else 1
            raise TooManyRequests("This client asks for too many new renditions at once.", retry_after=max(1, wait))
        if self._rate:
            self._buckets[client] = max(0.0, tokens - 1), now
        if self._at_once:
            self._under_way[client] += 1

    def give_back(self, client: str) -> None:
        """What was taken, but for the token."""
        self._under_way[client] -= 1
        if self._under_way[client] <= 0:
            del self._under_way[client]
