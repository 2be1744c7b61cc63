"""What is asked of the contenders. Quality is 80 where nothing else is said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A rendition in no server's language. `extension` is jpg, png, webp or avif; `quality` means nothing to PNG."""

    width: int
    extension: str
    quality: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is asked of one copy of an original nobody has asked anything of before."""

    original: str
    asks: Sequence[Ask]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`works` go out all at once; a round does so `repeat` times one after another, more where little time is taken."""

    name: str
    works: Sequence[Work]
    repeat: int = 1

    @property
    def renditions(self) -> int:
        return sum(len(work.asks) for work in self.works)


def _rendition(original: str, ask: Ask, *, repeat: int, name: str) -> Job:
    return Job(name=f"{original} → {name}", works=(Work(original=original, asks=(ask,)),), repeat=repeat)


_JPEG_400 = Ask(width=400, extension="jpg")
_WEBP_800 = Ask(width=800, extension="webp")
_JPEG_1600 = Ask(width=1600, extension="jpg")
_JPEG_600 = Ask(width=600, extension="jpg")
_PNG_600 = Ask(width=600, extension="png")
_AVIF_800 = Ask(width=800, extension="avif", quality=50)
_SRCSET = tuple(Ask(width=width, extension="webp") for width in (320, 480, 640, 800, 1024, 1280, 1600, 1920))

JOBS: Sequence[Job] = (
    _rendition("p12", _JPEG_400, repeat=5, name="400 JPEG"),
    _rendition("p12", _WEBP_800, repeat=5, name="800 WebP"),
    _rendition("p12", _JPEG_1600, repeat=5, name="1600 JPEG"),
    _rendition("cut4k", _JPEG_600, repeat=3, name="600 JPEG on white"),
    _rendition("cut4k", _PNG_600, repeat=3, name="600 PNG"),
    _rendition("p12", _AVIF_800, repeat=2, name="800 AVIF q50"),
    _rendition("s1k", _JPEG_400, repeat=30, name="400 JPEG"),
    Job(name="srcset of 8 WebP, b24", works=(Work(original="b24", asks=_SRCSET),)),
    Job(name="srcset of 8 WebP, cut4k", works=(Work(original="cut4k", asks=_SRCSET),)),
)

_P12_IN_TURN = tuple(Work(original="p12", asks=(ask,)) for ask in (_JPEG_400, _WEBP_800, _JPEG_1600, _WEBP_800))
_CUT4K_IN_TURN = tuple(Work(original="cut4k", asks=(ask,)) for ask in (_JPEG_600, _PNG_600))

BURSTS: Sequence[Job] = (
    Job(name="p12", works=_P12_IN_TURN * 4),
    Job(name="cut4k", works=_CUT4K_IN_TURN * 8),
    Job(name="half p12, half cut4k", works=_P12_IN_TURN * 2 + _CUT4K_IN_TURN * 4),
)
"""Sixteen originals at once."""

HITS: Mapping[str, Ask] = {"60 KB": Ask(width=460, extension="jpg"), "20 KB": Ask(width=240, extension="jpg")}
"""Renditions of p12 by their size."""
