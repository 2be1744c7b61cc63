"""Originals that harmed the renderer again and again, set aside until somebody releases them.

A small file each, named as the original: what was set aside stays so over a restart, and commands read and release it
whether the service runs or not.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import structlog

from imgsvc.core.errors import StoreFailure
from imgsvc.core.harm import Harm, SetAside

_log = structlog.get_logger(__name__)

_PATIENCE = timedelta(hours=1)
"""Harm that is older does not count: a worker may have died of something else."""

_HARMS = 2
"""What sets an original aside."""


class Quarantine:
    """A source is an original's file name. All methods block, briefly; one process strikes, any may do the rest.

    `observe` is told of each original that is set aside, and what it did last.
    """

    def __init__(
        self, root: Path, *, now: Callable[[], datetime], observe: Callable[[Harm], None] = lambda _: None
    ) -> None:
        self._root = root
        self._now = now
        self._observe = observe

    def strike(self, source: str, harm: Harm) -> bool:
        """Whether that has set it aside. What cannot be written down is logged, and forgotten."""
        known = self._read(source)
        harms = () if known is None or self._is_stale(known) else known.harms
        struck = SetAside(source=source, harms=(*harms, harm), last=self._now())
        scratch = self._root / f".{uuid4().hex}"
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            scratch.write_bytes(msgspec.json.encode(struck))
            scratch.rename(self._root / source)
        except OSError as error:
            _log.warning("quarantine.not_written", original=source, error=error.strerror)
            _discard(scratch)
            return False
        is_set_aside = len(harms) < _HARMS <= len(struck.harms)
        if is_set_aside:
            _log.error("original.set_aside", original=source, harms=list(struck.harms))
            self._observe(harm)
        return is_set_aside

    def find(self, source: str) -> SetAside | None:
        """None where it may be rendered."""
        known = self._read(source)
        return known if known is not None and len(known.harms) >= _HARMS else None

    def list(self) -> list[SetAside]:
        """The latest first. Raises StoreFailure."""
        try:
            names = [path.name for path in self._root.iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreFailure("What is set aside cannot be read.") from error
        found = (self.find(name) for name in names)
        return sorted((one for one in found if one is not None), key=lambda one: one.last, reverse=True)

    def release(self, source: str) -> bool:
        """With all that is known against it. Whether it had been set aside. Raises StoreFailure."""
        was_aside = self.find(source) is not None
        try:
            (self._root / source).unlink(missing_ok=True)
        except OSError as error:
            raise StoreFailure("The original cannot be released: its entry cannot be removed.") from error
        return was_aside

    def _is_stale(self, known: SetAside) -> bool:
        return len(known.harms) < _HARMS and self._now() - known.last > _PATIENCE

    def _read(self, source: str) -> SetAside | None:
        try:
            return msgspec.json.decode((self._root / source).read_bytes(), type=SetAside)
        except (OSError, msgspec.DecodeError):
            return None


def _discard(scratch: Path) -> None:
    try:
        scratch.unlink(missing_ok=True)
    except OSError:
        _log.warning("quarantine.scratch_left", path=scratch.name)
