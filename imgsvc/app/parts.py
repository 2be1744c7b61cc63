"""What settings mean for the parts that every process shares: limits, defaults, presets, places."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from imgsvc.core.errors import InvalidParameter
from imgsvc.core.formats import Format
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults
from imgsvc.core.transform import Transform
from imgsvc.dialects.struct import read_transform
from imgsvc.settings import Settings, SettingsError

_SOCKET_PATH_LENGTH = 100
"""Longest path of a Unix socket that is sure to be taken (107 bytes on Linux: unix(7))."""


def make_limits(settings: Settings) -> Limits:
    return Limits(
        upload_bytes=settings.upload_bytes,
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


def make_presets(settings: Settings) -> Mapping[str, Transform]:
    """Each is a query in Struct's words. Raises SettingsError."""
    presets: dict[str, Transform] = {}
    for name, query in settings.presets.items():
        try:
            presets[name] = read_transform(query, presets=presets)
        except InvalidParameter as error:
            raise SettingsError(f"IMGSVC_PRESETS: in {name}, {error}") from error
    return presets


def derivatives_folder(settings: Settings) -> Path:
    return settings.data / "derivatives"


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
