"""What an original can do to who renders it, and what is known of one that did."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Harm(StrEnum):
    CRASH = "crash"
    """The worker died."""
    TIMEOUT = "timeout"
    """It was stopped at the deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """`source` is the original's digest; `harms` oldest first; `last` is UTC, of the latest."""

    source: str
    harms: tuple[Harm, ...]
    last: datetime
