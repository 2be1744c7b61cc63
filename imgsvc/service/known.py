"""What a process was told of derivatives, remembered until the next purge."""

from collections.abc import Callable, Iterable

from cachetools import LRUCache

from imgsvc.core.variant import Derivative, VariantKey

_REMEMBERED = 100_000


class KnownDerivatives:
    """`purged` gives a number that is another one after each purge, in whatever process. Used from one event loop."""

    def __init__(self, purged: Callable[[], int]) -> None:
        self._purged = purged
        self._purge = purged()
        self._known: LRUCache[VariantKey, Derivative] = LRUCache(_REMEMBERED)

    def find(self, key: VariantKey) -> Derivative | None:
        """Its file may be gone meanwhile. Never stale."""
        self._forget_purged()
        return self._known.get(key)

    @property
    def purge(self) -> int:
        """The last one, for `remember`: to be read before the derivatives are asked for."""
        self._forget_purged()
        return self._purge

    def remember(self, derivatives: Iterable[Derivative], *, purge: int) -> None:
        """Unless they are stale, or may have been purged since that one."""
        if purge == self._purged():
            self._known.update((one.key, one) for one in derivatives if not one.stale)

    def forget(self, key: VariantKey) -> None:
        self._known.pop(key, None)

    def _forget_purged(self) -> None:
        purged = self._purged()
        if purged != self._purge:
            self._purge = purged
            self._known.clear()
