"""What settings mean for the parts that every process shares: limits, defaults, places."""

import os
import resource
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

from imgsvc.core.formats import Format
from imgsvc.core.harm import Harm
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Defaults
from imgsvc.settings import Settings
from imgsvc.storage.quarantine import Quarantine
from imgsvc.web.caching import Lifetimes
from imgsvc.web.connections import Bounds

_SOCKET_PATH_LENGTH = 100
"""Longest path of a Unix socket that is sure to be taken (107 bytes on Linux: unix(7))."""

_OTHER_FILES = 512
"""Descriptors beside those of connections and of the files they are sent: sockets, catalogue, files being read."""


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


def make_bounds(settings: Settings) -> Bounds:
    return Bounds(
        connections=settings.connections,
        header=settings.header_seconds,
        stall=settings.stall_seconds,
        keep_alive=settings.keep_alive_seconds,
    )


def make_lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        max_age=settings.max_age,
        by_class=settings.lifetimes,
        shared=settings.shared_max_age,
        stale_while_revalidate=settings.stale_while_revalidate,
        stale_if_error=settings.stale_if_error,
    )


def afford_connections(wanted: int) -> int:
    """How many of those this process has descriptors for; the limit, often 1,024, is raised as far as it may be.

    Two for each, its own and that of the file it is sent. The limit is getrlimit(2)'s.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    granted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    return max(1, (granted - min(_OTHER_FILES, granted // 2)) // 2)


def derivatives_folder(settings: Settings) -> Path:
    return settings.data / "derivatives"


def pyramids_folder(settings: Settings) -> Path:
    return settings.data / "pyramids"


def open_quarantine(settings: Settings, *, observe: Callable[[Harm], None] = lambda _: None) -> Quarantine:
    return Quarantine(settings.data / "quarantine", now=lambda: datetime.now(UTC), observe=observe)


def overflow_folder(settings: Settings) -> Path:
    """In memory where the system has such a place, since it is for the time when disks fail; this service's own."""
    memory = Path("/dev/shm")  # noqa: S108
    place = memory if os.access(memory, os.W_OK | os.X_OK) else Path(gettempdir())
    return place / f"imgsvc-{_name_of(settings)}-overflow"


def metrics_folder(settings: Settings) -> Path:
    return settings.run / "metrics"


def broker_socket(settings: Settings) -> Path:
    """In the data folder, or where that is too deep for a socket's path, in a private folder of its own."""
    path = settings.run / "broker.sock"
    if len(str(path)) <= _SOCKET_PATH_LENGTH:
        return path
    folder = Path(gettempdir()) / f"imgsvc-{_name_of(settings)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "broker.sock"


def _name_of(settings: Settings) -> str:
    return sha256(str(settings.data).encode()).hexdigest()[:16]
