"""What the service expects of whoever makes pixels."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from imgsvc.core.assets import ImageInfo
from imgsvc.core.formats import Format
from imgsvc.core.plan import Plan
from imgsvc.core.variant import Derivative, VariantKey

_STEPS_REVISION = 1
"""Raised with every change in this room that changes the bytes of any derivative."""


def renderer_revision() -> str:
    """Part of every variant's key. It asks the packages' metadata, so that server processes need not load libvips."""
    return f"{_STEPS_REVISION} libvips {version('pyvips-binary')} pillow {version('pillow')}"


class Prober(Protocol):
    """Asked from an event loop; the work is done in another process."""

    async def probe(self, path: Path, source: Format) -> ImageInfo:
        """What the file at `path` is, after it was decoded to its end once.

        Raises NotAnImage, CorruptOriginal, TooManyPixels, ServiceError.
        """
        ...


class Renderer(Prober, Protocol):
    async def render(
        self, key: VariantKey, original: Path, plan: Plan, *, distrust: bool = False, seconds: float = 0.0
    ) -> Derivative:
        """The derivative, stored; made only where it is not there yet, and once however many ask at the same time.

        `seconds`: how long making it may take, so that long ones leave room for short ones. `distrust`: the stored file
        was read and found wrong, so it is made again. Raises CorruptOriginal, Overloaded, RenderTimeout,
        RenderCrashed, StoreFailure.
        """
        ...

    async def find(self, keys: Sequence[VariantKey]) -> list[Derivative | None]:
        """Those that are there already, in the order of `keys`; nothing is rendered. Raises ServiceError."""
        ...

    async def forget(self, original: Path) -> int:
        """Discards all that was made from it. How many. Raises ServiceError."""
        ...
