"""What one client may cause to be rendered: a token bucket each."""

import time
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
    """`rate`: renders a second for each client; 0 for as many as they like."""

    def __init__(self, rate: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._buckets: LRUCache[str, tuple[float, float]] = LRUCache(_CLIENTS)

    def take(self, client: str) -> None:
        """One render's; nobody in particular is not bounded. Raises TooManyRequests."""
        if not self._rate or not client:
            return
        now, most = self._clock(), max(1.0, self._rate * _BURST_SECONDS)
        tokens, since = self._buckets.get(client, (most, now))
        tokens = min(most, tokens + (now - since) * self._rate)
        if tokens < 1 - _ROUNDING:
            self._buckets[client] = tokens, now
            wait = ceil((1 - tokens) / self._rate)
            raise TooManyRequests("This client asks for too many new renditions at once.", retry_after=max(1, wait))
        self._buckets[client] = max(0.0, tokens - 1), now
