"""Contact sheets: many small pictures in one PNG, each compared by itself so that a wrong one cannot hide.

A picture agrees with its golden one when its mean difference is at most `MEAN` levels and pixels that are off by more
than `OFF` levels in any band number at most `SHARE` of its own. That leaves room for decoders and encoders that round
otherwise on another processor. A shift by 2 px puts more than 2% of the pixels off, 3 levels of brightness are a
mean of 3 (tests of their own keep both); another anchor, a bar's colour or a swapped channel is a multiple of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyvips

GOLDEN = Path(__file__).parent.parent / "golden"

MEAN = 1.5
OFF = 40
SHARE = 0.005

_GAP = 6
_SQUARE = 6
_GREY = [96.0] * 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`mean` in levels 0..255 over all bands; `share` of the pixels that are off, 0 and up."""

    mean: float
    share: float

    @property
    def is_small(self) -> bool:
        return self.mean <= MEAN and self.share <= SHARE


def compare(one: pyvips.Image, other: pyvips.Image, *, pixels: int | None = None) -> Difference:
    """Two areas of one size, sRGB without alpha; `pixels` of them are the picture's own, the rest lies around it."""
    distance = (one.cast("short") - other.cast("short")).abs()
    worst = (distance > OFF).bandor()
    weight = 1.0 if pixels is None else one.width * one.height / pixels
    return Difference(mean=distance.avg() * weight, share=worst.avg() / 255 * weight)


def disagreeing(name: str, pictures: Mapping[str, pyvips.Image], *, across: int, update: bool) -> dict[str, Difference]:
    """Those that differ from theirs in `tests/golden/{name}.png`; with `update` the file is written instead.

    Each lies in a slot of one size, row by row; alpha shows a chequered ground, what is around a picture is grey.
    """
    assert len(pictures) % across == 0
    width = max(picture.width for picture in pictures.values()) + _GAP
    height = max(picture.height for picture in pictures.values()) + _GAP
    slots = [
        opaque(picture).embed(_GAP // 2, _GAP // 2, width, height, extend="background", background=_GREY)
        for picture in pictures.values()
    ]
    path = GOLDEN / f"{name}.png"
    if update:
        sheet = pyvips.Image.arrayjoin(slots, across=across)
        sheet.pngsave(str(path), compression=9, effort=10, keep=pyvips.ForeignKeep.NONE)
        return {}
    golden = pyvips.Image.new_from_file(str(path)).copy_memory()
    assert (golden.width, golden.height) == (width * across, height * (len(slots) // across))
    found: dict[str, Difference] = {}
    for n, (label, picture) in enumerate(pictures.items()):
        approved = golden.crop(n % across * width, n // across * height, width, height)
        found[label] = compare(slots[n], approved, pixels=picture.width * picture.height)
    return {label: difference for label, difference in found.items() if not difference.is_small}


def opaque(picture: pyvips.Image) -> pyvips.Image:
    """sRGB without alpha, on a chequered ground where it had some."""
    picture = picture.colourspace("srgb")
    if not picture.hasalpha():
        return picture
    places = pyvips.Image.xyz(picture.width, picture.height) // _SQUARE
    squares = ((places[0] + places[1]) % 2 * 90 + 130).cast("uchar")
    ground = squares.bandjoin([squares, squares])
    alpha = picture[3] / 255
    return (picture[:3] * alpha + ground * (1 - alpha)).rint().cast("uchar").copy(interpretation="srgb")
