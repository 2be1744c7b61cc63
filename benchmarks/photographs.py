"""The pictures that quality is judged by: photographs out of the bench group's packages, the rest drawn from them.

What packages hold is small, and nothing is enlarged: large pictures are contact sheets of the photographs at their own
resolution. No original carries a profile; their values are sRGB.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from math import cos, pi, sin
from pathlib import Path
from types import MappingProxyType

import pyvips
from PIL import Image, ImageDraw, ImageFont

from benchmarks.originals import find_original
from benchmarks.quality_packages import package_folder

_SHOP_QUALITY = 92
_SHEET_GROUND = [48, 48, 48]


class Group(StrEnum):
    PHOTOGRAPHS = "photographs"
    SCENES = "drawn scenes"
    CUTOUTS = "cut-outs"
    TEXT = "text"
    LINE_ART = "line art"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`find` gives its file, which is made in the cache when absent."""

    name: str
    group: Group
    find: Callable[[Path], Path]


def open_photograph(name: str) -> pyvips.Image:
    """RGB, 8 bit, in memory. Raises PackageMissing."""
    package, path = _PHOTOGRAPHS[name]
    image = pyvips.Image.new_from_file(str(package_folder(package) / path)).colourspace("srgb")
    return image.copy_memory()


def save_jpeg(image: pyvips.Image, path: Path, *, progressive: bool) -> None:
    """As shops have them: 4:2:0, which libvips would leave off from q90 on."""
    image.jpegsave(str(path), Q=_SHOP_QUALITY, subsample_mode="on", interlace=progressive, keep=0)


def _save_baseline(image: pyvips.Image, path: Path) -> None:
    save_jpeg(image, path, progressive=False)


def _save_progressive(image: pyvips.Image, path: Path) -> None:
    save_jpeg(image, path, progressive=True)


def _save_png(image: pyvips.Image, path: Path) -> None:
    image.pngsave(str(path), keep=0)


# Inside the packages' wheels; what scikit-image would fetch is not used. Their sources and licences are told by the
# docstrings of skimage.data and by README.txt beside scikit-learn's. From `camera` on they are grey.
_PHOTOGRAPHS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "retina": ("skimage", "data/retina.jpg"),
        "hubble": ("skimage", "data/hubble_deep_field.jpg"),
        "astronaut": ("skimage", "data/astronaut.png"),
        "motorcycle": ("skimage", "data/motorcycle_left.png"),
        "china": ("sklearn", "datasets/images/china.jpg"),
        "flower": ("sklearn", "datasets/images/flower.jpg"),
        "rocket": ("skimage", "data/rocket.jpg"),
        "coffee": ("skimage", "data/coffee.png"),
        "cat": ("skimage", "data/chelsea.png"),
        "camera": ("skimage", "data/camera.png"),
        "brick": ("skimage", "data/brick.png"),
        "grass": ("skimage", "data/grass.png"),
        "gravel": ("skimage", "data/gravel.png"),
        "page": ("skimage", "data/page.png"),
    }
)
# Roughly in the order of their heights, so that shelves are filled.
_SHEET = (
    *("retina", "retina", "hubble"),
    *("camera", "brick", "astronaut", "grass", "gravel", "motorcycle", "china", "flower", "rocket", "coffee", "cat"),
)
_SHEET_OF_THINGS = ("astronaut", "motorcycle", "china", "rocket", "flower", "coffee", "cat")
_TURNS: Sequence[Callable[[pyvips.Image], pyvips.Image]] = (
    lambda image: image,
    lambda image: image.fliphor(),
    lambda image: image.rot180(),
    lambda image: image.flipver(),
)


def _contact_sheet(names: Sequence[str], width: int, height: int) -> pyvips.Image:
    """On shelves from the top, turned another way each time round; what finds no place any more is left out."""
    ground = pyvips.Image.black(width, height, bands=3) + _SHEET_GROUND
    sheet = ground.cast("uchar").copy(interpretation="srgb")
    left = top = tallest = left_out = 0
    for image in _turned_photographs(names):
        begins_shelf = left + image.width > width
        if top + tallest * begins_shelf + image.height > height:
            left_out += 1
            if left_out == len(names):
                break
            continue
        if begins_shelf:
            left, top, tallest = 0, top + tallest, 0
        sheet = sheet.insert(image, left, top)
        left, tallest, left_out = left + image.width, max(tallest, image.height), 0
    return sheet.copy_memory()


def _turned_photographs(names: Sequence[str]) -> Iterable[pyvips.Image]:
    photographs = [open_photograph(name) for name in names]
    for turn in cycle(_TURNS):
        for image in photographs:
            yield turn(image)


def _cut_ellipse(image: pyvips.Image, *, softness: float, keep_hidden: bool) -> pyvips.Image:
    """`softness` is the width of the edge in px. Under full transparency the photograph stays, or black is laid."""
    width, height = image.width, image.height
    place = (pyvips.Image.xyz(width, height) - [width / 2, height / 2]) / [width * 0.46, height * 0.46]
    inside = (1 - (place[0] ** 2 + place[1] ** 2) ** 0.5) * (min(width, height) * 0.46)
    alpha = (inside * (255 / softness) + 128).cast("uchar")
    kept = image if keep_hidden else (alpha > 0).ifthenelse(image, 0)
    return kept.bandjoin(alpha).copy(interpretation="srgb")


_SENTENCES = (
    "Wash at 30 °C with similar colours; do not tumble dry.",
    "Art. 4711-08/XL · EUR 89,90 incl. VAT · in stock: 1,264",
    "Solid oak, oiled; 180 x 90 x 75 cm; seats six, or eight at a squeeze.",
    "QUARTZ WATCH, SAPPHIRE GLASS, 5 ATM",
    "Keep away from children. Contains small parts that may be swallowed.",
    "Jumping foxes vex the quick, lazy dwarf by 0123456789 km.",
)
_FIRST_POINTS, _LAST_POINTS = 28, 120


def _draw_text(width: int, height: int, *, ink: str, ground: str) -> pyvips.Image:
    """In the typeface that Pillow carries, from small print to headlines and over again."""
    page = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(page)
    margin = width // 20
    top, points = margin, _FIRST_POINTS
    for sentence in cycle(_SENTENCES):
        font = ImageFont.load_default(size=points)
        if top + points > height - margin:
            break
        line = f"{sentence} " * (width // (len(sentence) * points // 2) + 1)
        while draw.textlength(line, font=font) > width - 2 * margin:
            line = line[:-1]
        draw.text((margin, top), line, fill=ink, font=font)
        top += round(points * 1.5)
        points = round(points * 1.12) if points < _LAST_POINTS else _FIRST_POINTS
    return _from_pillow(page)


def _from_pillow(page: Image.Image) -> pyvips.Image:
    image = pyvips.Image.new_from_memory(page.tobytes(), page.width, page.height, 3, "uchar")
    return image.copy(interpretation="srgb")


def _draw_lines(side: int, *, ink: str, ground: str) -> pyvips.Image:
    """Fans, rings, hatching and grids of strokes from 1 to 8 px: everything that aliases."""
    half, unit = side // 2, side // 100
    fan = "".join(
        f'<line x1="{half / 2}" y1="{half / 2}" x2="{half / 2 + half * 0.45 * cos(angle):.1f}"'
        f' y2="{half / 2 + half * 0.45 * sin(angle):.1f}" stroke-width="2"/>'
        for angle in (number * pi / 90 for number in range(180))
    )
    rings = "".join(
        f'<circle cx="{half * 1.5}" cy="{half / 2}" r="{4 * number + number * number / 12:.1f}"'
        f' stroke-width="{1 + number % 4}"/>'
        for number in range(1, 70)
    )
    hatching = "".join(
        f'<line x1="{unit * 2 + number * 12}" y1="{side - unit * 2}" x2="{unit * 14 + number * 12}"'
        f' y2="{half + unit * 2}" stroke-width="{1 + number % 3}"/>'
        for number in range(80)
    )
    grid = "".join(
        f'<rect x="{half + unit * 2 + number * 11}" y="{half + unit * 2 + number * 11}"'
        f' width="{half - unit * 4 - number * 22}" height="{half - unit * 4 - number * 22}" rx="{number * 6}"'
        f' stroke-width="{1 + number % 8}"/>'
        for number in range(60)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}"><rect width="100%" height="100%"'
        f' fill="{ground}"/><g stroke="{ink}" fill="none">{fan}{rings}{hatching}{grid}</g></svg>'
    )
    return pyvips.Image.svgload_buffer(svg.encode()).flatten()


_Save = Callable[[pyvips.Image, Path], None]


def _picture(name: str, group: Group, suffix: str, save: _Save, make: Callable[[], pyvips.Image]) -> Picture:
    def find(cache: Path) -> Path:
        path = cache / "quality" / f"{name.replace(' ', '-')}{suffix}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}")
            save(make(), beside)
            beside.rename(path)
        return path

    return Picture(name=name, group=group, find=find)


def _drawn_for_all(name: str, group: Group) -> Picture:
    return Picture(name=name, group=group, find=lambda cache: find_original(name, cache=cache))


# Decoded, a progressive file and a baseline one of the same picture are equal: each picture is stored one way.
PICTURES: Sequence[Picture] = (
    *(
        _picture(name, Group.PHOTOGRAPHS, ".jpg", save, lambda name=name: open_photograph(name))
        for name, save in zip(
            [name for name in _PHOTOGRAPHS if name != "page"], cycle((_save_baseline, _save_progressive)), strict=False
        )
    ),
    _picture("sheet", Group.PHOTOGRAPHS, ".jpg", _save_baseline, lambda: _contact_sheet(_SHEET, 4000, 3000)),
    _picture(
        "sheet of things",
        Group.PHOTOGRAPHS,
        ".jpg",
        _save_progressive,
        lambda: _contact_sheet(_SHEET_OF_THINGS, 3000, 4000),
    ),
    _drawn_for_all("p12", Group.SCENES),
    _drawn_for_all("b24", Group.SCENES),
    _picture(
        "cut retina",
        Group.CUTOUTS,
        ".png",
        _save_png,
        lambda: _cut_ellipse(open_photograph("retina"), softness=6, keep_hidden=False),
    ),
    _picture(
        "cut coffee",
        Group.CUTOUTS,
        ".png",
        _save_png,
        lambda: _cut_ellipse(open_photograph("coffee"), softness=3, keep_hidden=True),
    ),
    _picture(
        "cut sheet",
        Group.CUTOUTS,
        ".png",
        _save_png,
        lambda: _cut_ellipse(_contact_sheet(_SHEET_OF_THINGS, 3000, 3200), softness=12, keep_hidden=True),
    ),
    _drawn_for_all("cut4k", Group.CUTOUTS),
    _picture("page", Group.TEXT, ".jpg", _save_baseline, lambda: _draw_text(3000, 4240, ink="black", ground="white")),
    _picture("sign", Group.TEXT, ".png", _save_png, lambda: _draw_text(3600, 2400, ink="#ffe9a8", ground="#10243f")),
    _picture("photographed page", Group.TEXT, ".jpg", _save_baseline, lambda: open_photograph("page")),
    _picture("drawing", Group.LINE_ART, ".png", _save_png, lambda: _draw_lines(3000, ink="#101010", ground="white")),
    _picture(
        "blueprint", Group.LINE_ART, ".jpg", _save_baseline, lambda: _draw_lines(3200, ink="white", ground="#1d4e89")
    ),
)
