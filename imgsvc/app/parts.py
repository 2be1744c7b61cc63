"""What settings mean for the parts that every process shares: limits, defaults, places."""

from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from imgsvc.core.formats import Format
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults
from imgsvc.settings import Settings

_SOCKET_PATH_LENGTH = 100
"""Longest path of a Unix socket that is sure to be taken (107 bytes on Linux: unix(7))."""


def make_limits(settings: Settings) -> Limits:
    return Limits(
        pixels=settings.max_pixels,
        frames=settings.max_frames,
        output_side=settings.max_output_side,
        surrender_side=settings.surrender_side,
    )


def make_defaults(settings: Settings) -> Defaults:
    quality = {
        Format.JPEG: settings.quality_jpeg,
        Format.WEBP: settings.quality_webp,
        Format.AVIF: settings.quality_avif,
    }
    return Defaults(quality=quality, background=settings.background)


def derivatives_folder(settings: Settings) -> Path:
    return settings.data / "derivatives"


def pyramids_folder(settings: Settings) -> Path:
    return settings.data / "pyramids"


def metrics_folder(settings: Settings) -> Path:
    return settings.run / "metrics"


def broker_socket(settings: Settings) -> Path:
    """In the data folder, or where that is too deep for a socket's path, in a private folder of its own."""
    path = settings.run / "broker.sock"
    if len(str(path)) <= _SOCKET_PATH_LENGTH:
        return path
    folder = Path(gettempdir()) / f"imgsvc-{sha256(str(settings.data).encode()).hexdigest()[:16]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "broker.sock"
