"""What is asked of the contenders. Quality is 80 where nothing else is said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A rendition in no server's language. `extension` is jpg, png, webp or avif; `quality` means nothing to PNG."""

    width: int
    extension: str
    quality: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is asked of one copy of an original, which is this work's alone."""

    original: str
    asks: Sequence[Ask]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`works` go out at once, as many requests at a time as `rounds` allows.

    A round does so `repeat` times one after another, more where little time is taken. Where a job is `warm`, every
    original has been asked for other renditions before, else for none.
    """

    name: str
    works: Sequence[Work]
    repeat: int = 1
    warm: bool = False

    @property
    def renditions(self) -> int:
        return sum(len(work.asks) for work in self.works)


_JPEG_400 = Ask(width=400, extension="jpg")
_JPEG_600 = Ask(width=600, extension="jpg")
_JPEG_800 = Ask(width=800, extension="jpg")
_JPEG_1600 = Ask(width=1600, extension="jpg")
_WEBP_400 = Ask(width=400, extension="webp")
_WEBP_800 = Ask(width=800, extension="webp")
_PNG_600 = Ask(width=600, extension="png")
_AVIF_800 = Ask(width=800, extension="avif", quality=50)
_SRCSET = tuple(Ask(width=width, extension="webp") for width in (320, 480, 640, 800, 1024, 1280, 1600, 1920))

THROWN_AWAY: Sequence[Ask] = (Ask(width=64, extension="jpg"), Ask(width=96, extension="jpg"))
"""What an original of a warm job has been asked for before, one after the other."""


def _rendition(original: str, ask: Ask, *, repeat: int, name: str, warm: bool = False) -> Job:
    work = Work(original=original, asks=(ask,))
    return Job(name=f"{original} → {name}", works=(work,), repeat=repeat, warm=warm)


def _srcset(original: str, *, warm: bool) -> Job:
    return Job(name=f"srcset of 8 WebP, {original}", works=(Work(original=original, asks=_SRCSET),), warm=warm)


FIRST_MISSES: Sequence[Job] = (
    _rendition("p12", _JPEG_400, repeat=5, name="400 JPEG"),
    _rendition("p12", _WEBP_800, repeat=5, name="800 WebP"),
    _rendition("p12", _JPEG_1600, repeat=5, name="1600 JPEG"),
    _rendition("b24", _JPEG_400, repeat=5, name="400 JPEG"),
    _rendition("b24", _JPEG_800, repeat=5, name="800 JPEG"),
    _rendition("cut4k", _JPEG_600, repeat=3, name="600 JPEG on white"),
    _rendition("cut4k", _PNG_600, repeat=3, name="600 PNG"),
    _rendition("p12", _AVIF_800, repeat=2, name="800 AVIF q50"),
    _rendition("s1k", _JPEG_400, repeat=30, name="400 JPEG"),
    _srcset("b24", warm=False),
    _srcset("cut4k", warm=False),
)


def _later_misses() -> Iterator[Job]:
    for original in ("p12", "b24", "cut4k"):
        on_white = " on white" if original == "cut4k" else ""
        for name, ask in (
            (f"400 JPEG{on_white}", _JPEG_400),
            (f"800 JPEG{on_white}", _JPEG_800),
            ("400 WebP", _WEBP_400),
            ("800 WebP", _WEBP_800),
            ("600 PNG", _PNG_600),
        ):
            yield _rendition(original, ask, repeat=3, name=name, warm=True)
    yield _srcset("b24", warm=True)
    yield _srcset("cut4k", warm=True)


LATER_MISSES: Sequence[Job] = tuple(_later_misses())

_P12_IN_TURN = tuple(Work(original="p12", asks=(ask,)) for ask in (_JPEG_400, _WEBP_800, _JPEG_1600, _WEBP_800))
_CUT4K_IN_TURN = tuple(Work(original="cut4k", asks=(ask,)) for ask in (_JPEG_600, _PNG_600))
_FOUR = (_JPEG_400, _JPEG_800, _WEBP_400, _WEBP_800)

FIRST_BURSTS: Sequence[Job] = (
    Job(name="p12", works=_P12_IN_TURN * 4),
    Job(name="cut4k", works=_CUT4K_IN_TURN * 8),
    Job(name="half p12, half cut4k", works=_P12_IN_TURN * 2 + _CUT4K_IN_TURN * 4),
)
"""Sixteen originals at once, a rendition of each."""

LATER_BURSTS: Sequence[Job] = (
    Job(
        name="half p12, half cut4k",
        works=(Work(original="p12", asks=_FOUR), Work(original="cut4k", asks=_FOUR)) * 8,
        warm=True,
    ),
)
"""Sixteen originals, four renditions of each."""

HITS: Mapping[str, Ask] = {"60 KB": Ask(width=460, extension="jpg"), "20 KB": Ask(width=240, extension="jpg")}
"""Renditions of p12 by their size."""
