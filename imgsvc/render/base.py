"""What the service expects of whoever makes pixels."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from imgsvc.core.assets import ImageInfo
from imgsvc.core.formats import Format
from imgsvc.core.plan import Plan
from imgsvc.core.variant import Derivative, VariantKey

_STEPS_REVISION = 2
"""Raised with every change in this room that changes the bytes of any derivative."""

_PYRAMID_REVISION = 1
"""Raised with every change that changes the bytes of a level."""

_LIBRARIES = ("pyvips-binary", "pillow", "opencv-python-headless", "simplejpeg")


def renderer_revision(*, with_pyramids: bool) -> str:
    """Part of every variant's key. It asks the packages' metadata, so that server processes need not load them."""
    return f"{_STEPS_REVISION} {pyramid_revision()}" + ("" if with_pyramids else " from originals")


def pyramid_revision() -> str:
    """Part of every level's key."""
    return f"{_PYRAMID_REVISION} " + " ".join(f"{name} {version(name)}" for name in _LIBRARIES)


class Prober(Protocol):
    """Asked from an event loop; the work is done in another process."""

    async def probe(self, path: Path, source: Format) -> ImageInfo:
        """What the file at `path` is, after it was decoded to its end once.

        Raises NotAnImage, CorruptOriginal, TooManyPixels, ServiceError.
        """
        ...

    async def prepare(self, original: Path, info: ImageInfo) -> None:
        """Sees to it that renditions will be cheap: builds its pyramid when there is nothing else to do.

        Raises ServiceError.
        """
        ...


class Renderer(Prober, Protocol):
    async def render(
        self,
        key: VariantKey,
        original: Path,
        info: ImageInfo,
        plan: Plan,
        *,
        distrust: bool = False,
        final: bool = False,
        client: str = "",
        label: str = "",
    ) -> Derivative:
        """The derivative, stored; made only where it is not there yet, and once however many ask at the same time.

        One whose own key is another shows the same, but was made without the pyramid it should be made from, or is
        larger, since too many are being rendered: it is to be asked for again soon, as one that is stale is, which is
        made again in a quiet moment. `final`: wait instead, unless no
        pyramid can be built. `distrust`: the stored file was read and found wrong, so it is made again. `client`: on
        whose account it is rendered; nobody's where it is empty. `label`: by which it can be purged, if any. Raises
        CorruptOriginal, Quarantined, TooManyRequests, Overloaded, RenderTimeout, RenderCrashed, StoreFailure.
        """
        ...

    async def find(self, keys: Sequence[VariantKey]) -> list[Derivative | None]:
        """Those that are there already, in the order of `keys`; nothing is rendered. Raises ServiceError."""
        ...

    async def forget(self, original: Path) -> int:
        """Discards all that was made from it, its pyramid too. How many renditions. Raises ServiceError."""
        ...
