"""What is to be dropped from caches, ours and those in front, and the receipt for it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from imgsvc.core.assets import Instance

MOST_TAGS = 100
"""In one announcement: some 4 KB, which fits the header of a PURGE."""


class PurgeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Of one instance. `folders` with all that lies in them, None is the root.

    `soft`: what is there is served until it is made again, which is begun when somebody asks for it.
    """

    assets: tuple[UUID, ...] = ()
    folders: tuple[int | None, ...] = ()
    presets: tuple[str, ...] = ()
    everything: bool = False
    soft: bool = False


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """`assets` looked at so far, of `total`. `length`: bytes of the derivatives and pyramid levels that were removed.

    `stale`: derivatives that are to be made again and were not before, which a soft purge leaves in place.
    """

    assets: int = 0
    total: int = 0
    derivatives: int = 0
    levels: int = 0
    length: int = 0
    stale: int = 0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """`announced`: the serial of its last announcement, 0 as long as there is none. `finished`: our own files are."""

    serial: int
    instance: Instance
    order: PurgeOrder
    created: datetime
    receipt: Receipt
    finished: datetime | None = None
    announced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What caches in front are to drop, at most `MOST_TAGS` tags. In the order of their serials."""

    serial: int
    instance: Instance
    tags: tuple[str, ...]
    soft: bool
    created: datetime


class HookKind(StrEnum):
    """`VARNISH`: a PURGE with the tags in its header; `WEBHOOK`: a POST of JSON."""

    VARNISH = "varnish"
    WEBHOOK = "webhook"


class HookAddress(NamedTuple):
    """A cache in front, or who tells one."""

    kind: HookKind
    url: str

    @property
    def label(self) -> str:
        """Fit for anybody's eyes: paths and queries of webhooks may be secrets."""
        parts = urlsplit(self.url)
        return f"{self.kind} {parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class HookState(NamedTuple):
    """All announcements up to `told` were taken. `failed`: why the last call did not succeed, empty where it did."""

    told: int
    failed: str


class Purged(NamedTuple):
    """Of our own files. `length` in bytes, of derivatives and levels; `stale` derivatives are to be made again."""

    derivatives: int
    levels: int
    length: int
    stale: int
