"""Small derivatives' bytes in this process's memory, within a budget of bytes."""

from imgsvc.core.variant import VariantKey

_LARGEST = 256 * 1024
_AT_LEAST = 16
"""Derivatives that the budget has room for: none takes more than its share."""

_OVERHEAD = 400
"""Bytes that an entry takes beside its data, measured: the objects, the key, the place in the table."""


class KeptBytes:
    """`data` None: not in memory, or no longer. Whoever uses it sets `used`."""

    __slots__ = ("data", "used")

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.used = False


class RecentBytes:
    """Used from one event loop. Equal keys have equal bytes, so what is in here is never stale.

    What was used since it was last considered for eviction is spared once (the clock algorithm): to reorder at every
    use, as least-recently-used does, costs a look-up more a hit.
    """

    def __init__(self, *, budget: int) -> None:
        """`budget` in bytes; 0 keeps nothing."""
        self._budget = budget
        self._largest = min(_LARGEST, budget // _AT_LEAST)
        self._kept: dict[VariantKey, KeptBytes] = {}
        self._length = 0

    @property
    def length(self) -> int:
        """Bytes taken, of the budget."""
        return self._length

    def find(self, key: VariantKey) -> KeptBytes:
        """What is kept under that key, or an empty one that `keep` may fill."""
        return self._kept.get(key) or KeptBytes()

    def keep(self, key: VariantKey, data: bytes) -> KeptBytes:
        """Of the very derivative, verified. What is too large is passed over."""
        if len(data) + _OVERHEAD > self._largest or key in self._kept:
            return self.find(key)
        kept = self._kept[key] = KeptBytes()
        kept.data = data
        self._length += len(data) + _OVERHEAD
        while self._length > self._budget:
            self._evict()
        return kept

    def clear(self) -> None:
        for kept in self._kept.values():
            kept.data = None
        self._kept.clear()
        self._length = 0

    def _evict(self) -> None:
        key = next(iter(self._kept))
        kept = self._kept.pop(key)
        if kept.used:
            kept.used = False
            self._kept[key] = kept
        elif kept.data is not None:
            self._length -= len(kept.data) + _OVERHEAD
            kept.data = None
