"""One who makes a thing for all who ask for it at the same time."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from imgsvc.core.variant import Derivative

Made = TypeVar("Made", Derivative, None)
"""What is told to those who wait. It can be sent: they may be on other hosts."""


class Coordinator(Protocol):
    """Names are whatever tells things apart, the same for all who may make them."""

    def is_under_way(self, name: str) -> bool:
        """Whether somebody is making it, as far as is known here without asking; who asks for it now would wait."""
        ...

    async def once(self, name: str, make: Callable[[], Coroutine[Any, Any, Made]]) -> Made:
        """What one `make` gives to all who ask while it is at work. Nothing is kept: who asks later makes it again.

        Whoever goes away while he waits ends it for nobody. What it raises is raised to all who wait, for they would
        fare no better. Where whoever makes it dies or is cancelled, one of those who wait takes over. No making takes
        longer than an implementation's bound: then it is ended, and RenderTimeout raised to all.
        """
        ...
