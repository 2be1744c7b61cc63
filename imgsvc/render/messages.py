"""What travels between server processes, the broker and its workers: length-prefixed MessagePack.

Pixels never do; they are files. Failures travel by the name of their class.
"""

import asyncio
import struct

import msgspec

from imgsvc.core.assets import ImageInfo
from imgsvc.core.errors import (
    CorruptOriginal,
    ImgsvcError,
    NotAnImage,
    OriginalLost,
    Overloaded,
    Quarantined,
    RenderCrashed,
    RenderTimeout,
    ServiceError,
    StoreFailure,
    TooManyPixels,
    TooManyRequests,
)
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.limits import Limits
from imgsvc.core.plan import Plan
from imgsvc.core.purges import Purged
from imgsvc.core.variant import Derivative, VariantKey

LENGTH = struct.Struct("!I")
MAX_LENGTH = 1 << 20

READY = b"\x06"
"""What a worker says once, before its first answer: from now on a job may be blamed for what happens to it."""


class Probe(msgspec.Struct, frozen=True, tag=True):
    """Paths are absolute and of this host."""

    path: str
    source: Format
    limits: Limits


class StoredLevel(msgspec.Struct, frozen=True):
    """A level of a pyramid, in a file. `scale`: the original's px to one of this level's."""

    path: str
    format: Format
    scale: int
    crc32: int


class Render(msgspec.Struct, frozen=True, tag=True):
    """To a worker: write the result to `output`, or if that fails to `spare`. `level` None: from the original."""

    path: str
    info: ImageInfo
    plan: Plan
    output: str
    spare: str | None = None
    level: StoredLevel | None = None


class RenderSiblings(msgspec.Struct, frozen=True, tag=True):
    """To a worker: all of these, of one original and from one source, which is decoded once where it can be."""

    path: str
    renders: list[Render]


class Build(msgspec.Struct, frozen=True, tag=True):
    """To a worker: write every level of the original's pyramid, the largest first, to these paths."""

    path: str
    info: ImageInfo
    outputs: list[str]


class Wanted(msgspec.Struct, frozen=True, tag=True):
    """To the broker: the derivative of that key, found or made. `final`: a provisional one will not do.

    `client`: on whose account it is rendered; nobody's where it is empty. `label`: by which it is found again, if any.
    """

    key: VariantKey
    path: str
    info: ImageInfo
    plan: Plan
    distrust: bool = False
    final: bool = False
    client: str = ""
    label: str = ""


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """To the broker: build the original's pyramid when there is nothing else to do."""

    path: str
    info: ImageInfo


class Look(msgspec.Struct, frozen=True, tag=True):
    """To the broker: which of these are there. Nothing is rendered."""

    keys: list[VariantKey]


class Forget(msgspec.Struct, frozen=True, tag=True):
    """To the broker: discard all that was made from that original."""

    path: str


class Drop(msgspec.Struct, frozen=True, tag=True):
    """To the broker: discard what was made from these originals, with their pyramids, and what has these keys.

    `soft`: derivatives stay, stale.
    """

    paths: list[str]
    keys: list[VariantKey]
    soft: bool


class Search(msgspec.Struct, frozen=True, tag=True):
    """To the broker: the keys that were asked for under that label, a page of them in their order."""

    label: str
    after: VariantKey | None


class Used(msgspec.Struct, frozen=True, tag=True):
    """To the broker: these were read, at a time about now."""

    keys: list[VariantKey]


class Probed(msgspec.Struct, frozen=True, tag=True):
    info: ImageInfo


class Written(msgspec.Struct, frozen=True, tag=True):
    """`length` and `crc32` of the bytes that were written; `size` of one frame, px. `spare`: where that is."""

    length: int
    crc32: int
    size: Size
    spare: bool = False


class Built(msgspec.Struct, frozen=True, tag=True):
    """In the order of the levels."""

    levels: list[Written]


class LevelLost(msgspec.Struct, frozen=True, tag=True):
    """The level's file is damaged or gone; nothing is said of the original."""


class Rendered(msgspec.Struct, frozen=True, tag=True):
    """In the order of the siblings; what one of them fails of is its own affair."""

    results: "list[Written | LevelLost | Failed]"


class Preparing(msgspec.Struct, frozen=True, tag=True):
    """Sooner or later."""


class Noted(msgspec.Struct, frozen=True, tag=True):
    """Nothing is to be said."""


class Found(msgspec.Struct, frozen=True, tag=True):
    derivative: Derivative


class Seen(msgspec.Struct, frozen=True, tag=True):
    """In the order of the keys."""

    derivatives: list[Derivative | None]


class Labelled(msgspec.Struct, frozen=True, tag=True):
    """None at all where there are no more."""

    keys: list[VariantKey]


class Forgotten(msgspec.Struct, frozen=True, tag=True):
    derivatives: int


class Dropped(msgspec.Struct, frozen=True, tag=True):
    purged: Purged


class Failed(msgspec.Struct, frozen=True, tag=True):
    """`words` are a library's, for the log alone."""

    error: str
    detail: str
    retry_after: int | None = None
    words: str = ""


Asked = Probe | Wanted | Prepare | Look | Search | Forget | Drop | Used
Told = Probed | Found | Preparing | Seen | Labelled | Forgotten | Dropped | Noted
Job = Probe | Render | RenderSiblings | Build
Result = Probed | Written | Rendered | Built | LevelLost | Failed


class Question(msgspec.Struct, frozen=True):
    """From a server process to the broker; `number` comes back with the answer, in whatever order."""

    number: int
    body: Asked


class Answer(msgspec.Struct, frozen=True):
    number: int
    body: Told | Failed


_FAILURES: dict[str, type[ImgsvcError]] = {
    kind.__name__: kind
    for kind in (
        NotAnImage, CorruptOriginal, TooManyPixels, Quarantined, TooManyRequests,
        Overloaded, RenderTimeout, RenderCrashed, StoreFailure, OriginalLost,
    )
}  # fmt: skip


def failed_from_error(error: ImgsvcError) -> Failed:
    retry_after = error.retry_after if isinstance(error, ServiceError | TooManyRequests) else None
    words = "" if error.__cause__ is None else str(error.__cause__).strip().replace("\n", "; ")
    return Failed(error=type(error).__name__, detail=error.detail, retry_after=retry_after, words=words)


def error_from_failed(failed: Failed) -> ImgsvcError:
    kind = _FAILURES.get(failed.error, RenderCrashed)
    if issubclass(kind, ServiceError | TooManyRequests):
        return kind(failed.detail, retry_after=failed.retry_after)
    return kind(failed.detail)


def frame(message: msgspec.Struct) -> bytes:
    body = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(body)) + body


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Raises IncompleteReadError at the end of the stream, also for a frame that no honest peer sends."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    if length > MAX_LENGTH:
        raise asyncio.IncompleteReadError(b"", length)
    return await reader.readexactly(length)
