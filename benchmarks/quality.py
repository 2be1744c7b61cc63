"""Quality: renditions against a full decode that was resampled in linear light with Lanczos 3."""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import log10
from pathlib import Path
from statistics import fmean, median

import pyvips

from benchmarks.photographs import PICTURES, Group, Picture
from benchmarks.quality_packages import PackageMissing
from benchmarks.quality_scores import Scorer, Scores, make_reference
from benchmarks.quality_ways import LINEAR, PLAIN, WAYS, rendition_size
from benchmarks.stage import add_cache_argument, say
from benchmarks.tables import print_comparison
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.plan import Encoding
from imgsvc.render.encode import ENCODERS

_WHITE = [255.0, 255.0, 255.0]
_LEAST_REDUCTION = 1.5
"""A width in px is asked of pictures that are at least so many times as wide."""
_LARGE = 2000
"""A part of the width is asked of pictures narrower than this; of others, widths in px alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """`width_of` an original's width: what is asked of it, in px, or None where it is not asked of the picture."""

    name: str
    width_of: Callable[[int], int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One rendition by one way. `length` in bytes; `milliseconds` of CPU to the finished bytes, a round each."""

    picture: str
    group: Group
    reduction: str
    format: str
    way: str
    scores: Scores
    length: int
    milliseconds: Sequence[float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    _add_choice(parser, "--pictures", [picture.name for picture in PICTURES])
    parser.add_argument(
        "--widths",
        nargs="+",
        type=_reduction_from_text,
        default=_REDUCTIONS,
        metavar="WIDTH",
        help="as 400 px or as 1/2.3 of the original",
    )
    _add_choice(parser, "--formats", list(_ENCODINGS), default=_USUAL)
    _add_choice(parser, "--ways", list(WAYS))
    parser.add_argument("--rounds", type=int, default=3, help="how often each way has its turn (default: 3)")
    add_cache_argument(parser)
    arguments = parser.parse_args()
    pyvips.cache_set_max(0)
    pyvips.voperation.concurrency_set(1)  # as in the render workers
    try:
        bench = _Bench(
            scorer=Scorer(),
            reductions=arguments.widths,
            formats=arguments.formats,
            ways=arguments.ways,
            rounds=arguments.rounds,
            cache=arguments.cache,
        )
        judged = [each for picture in PICTURES if picture.name in arguments.pictures for each in bench.judge(picture)]
    except PackageMissing as error:
        sys.exit(str(error))
    order = [reduction.name for reduction in arguments.widths]
    judged.sort(key=lambda each: order.index(each.reduction))
    for group in Group:
        _print_group(group, [each for each in judged if each.group is group], arguments.ways)
    for yardstick in (LINEAR, PLAIN):
        _print_differences(judged, yardstick, arguments.ways)


def _add_choice(
    parser: argparse.ArgumentParser, option: str, names: Sequence[str], *, default: Sequence[str] | None = None
) -> None:
    """All of them where there is no `default`."""
    parser.add_argument(
        option, nargs="+", choices=names, default=default or names, metavar="NAME", help=", ".join(names)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    scorer: Scorer
    reductions: Sequence[Reduction]
    formats: Sequence[str]
    ways: Sequence[str]
    rounds: int
    cache: Path

    def judge(self, picture: Picture) -> Iterable[Judged]:
        say(f"{picture.name} …")
        path = picture.find(self.cache)
        for reduction in self.reductions:
            width = reduction.width_of(pyvips.Image.new_from_file(str(path)).width)
            if width is not None:
                yield from self._judge_width(picture, path, reduction, width)

    def _judge_width(self, picture: Picture, path: Path, reduction: Reduction, width: int) -> Iterable[Judged]:
        pixels = {way: _render(way, path, width) for way in self.ways}
        made: dict[str, list[float]] = {way: [] for way in self.ways}
        for _ in range(self.rounds):
            for way in self.ways:
                made[way].append(_time(partial(_render, way, path, width)))
        size = rendition_size(path, width)
        reference = make_reference(path, size)
        for way, image in pixels.items():
            assert (image.width, image.height) == size
            for format in self.formats:
                encoding = _ENCODINGS[format]
                encoded = [_time(partial(_encode, image, encoding)) for _ in made[way]]
                data = _encode(image, encoding)
                answer = pyvips.Image.new_from_buffer(data, "")
                yield Judged(
                    picture=picture.name,
                    group=picture.group,
                    reduction=reduction.name,
                    format=format,
                    way=way,
                    scores=self.scorer.score(reference, answer),
                    length=len(data),
                    milliseconds=[sum(both) for both in zip(made[way], encoded, strict=True)],
                )


def _render(way: str, path: Path, width: int) -> pyvips.Image:
    return WAYS[way](path, width).copy_memory()


def _time(work: Callable[[], object]) -> float:
    """CPU of this process, ms."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def _encode(image: pyvips.Image, encoding: Encoding) -> bytes:
    if image.hasalpha() and not FORMATS[encoding.format].alpha:
        image = image.flatten(background=_WHITE)
    return ENCODERS[encoding.format](image, encoding)


def _print_group(group: Group, judged: Sequence[Judged], ways: Sequence[str]) -> None:
    rows: dict[str, dict[str, list[Judged]]] = {}
    for each in judged:
        rows.setdefault(f"{each.reduction}, {each.format}", {}).setdefault(each.way, []).append(each)
    cells = {
        "SSIMULACRA2, mean (worst)": _mean_and_worst,
        "PSNR, dB": _decibels,
        "SSIM": lambda judged: f"{fmean(each.scores.ssim for each in judged):.4f}",
        "KB": lambda judged: f"{fmean(each.length for each in judged) / 1024:.1f}",
        "CPU ms": lambda judged: f"{median(spent for each in judged for spent in each.milliseconds):.1f}",
    }
    print_comparison(
        {
            f"{group.capitalize()}: {title}": lambda results, way, cell=cell: cell(results[way])
            for title, cell in cells.items()
        },
        rows,
        ways,
    )


def _mean_and_worst(judged: Sequence[Judged]) -> str:
    scores = [each.scores.ssimulacra2 for each in judged]
    return f"{fmean(scores):.1f} ({min(scores):.1f})"


def _decibels(judged: Sequence[Judged]) -> str:
    """Of the mean error: of a picture that came out exact there is no PSNR to take a mean of."""
    error = fmean(each.scores.error for each in judged)
    return f"{10 * log10(255**2 / error):.1f}" if error else "exact"


def _print_differences(judged: Sequence[Judged], yardstick: str, ways: Sequence[str]) -> None:
    """The figures that count: of photographs, as most are sent."""
    counted = [each for each in judged if each.group is Group.PHOTOGRAPHS and each.format == _COUNTED]
    base = {(each.picture, each.reduction): each for each in counted if each.way == yardstick}
    rows: dict[str, dict[str, list[float]]] = {}
    for each in counted:
        if (each.picture, each.reduction) in base:
            difference = each.scores.ssimulacra2 - base[each.picture, each.reduction].scores.ssimulacra2
            for row in (each.reduction, "all sizes"):
                rows.setdefault(row, {}).setdefault(each.way, []).append(difference)
    in_order = {name: rows[name] for name in sorted(rows, key=lambda name: name == "all sizes")}
    title = f"Photographs, {_COUNTED}: SSIMULACRA2 minus that of {yardstick}, mean (worst picture)"
    print_comparison({title: _mean_and_least}, in_order, ways)


def _mean_and_least(results: Mapping[str, Sequence[float]], way: str) -> str:
    return f"{fmean(results[way]):+.1f} ({min(results[way]):+.1f})"


def _reduction_from_text(text: str) -> Reduction:
    """`400` is a width in px, `1/2.3` that part of the original's."""
    if re.fullmatch(r"1/[1-9]\d*(\.\d+)?", text, re.ASCII):
        return _part(float(text.removeprefix("1/")))
    if re.fullmatch(r"[1-9]\d*", text, re.ASCII):
        return _pixels(int(text))
    raise argparse.ArgumentTypeError(f"expected a width like 400 or 1/2.3, received {text!r}")


def _part(divisor: float) -> Reduction:
    def width_of(original: int) -> int | None:
        return None if original >= _LARGE else round(original / divisor)

    return Reduction(name=f"1/{divisor:g}", width_of=width_of)


def _pixels(width: int) -> Reduction:
    def width_of(original: int) -> int | None:
        return width if original >= width * _LEAST_REDUCTION else None

    return Reduction(name=f"{width} px", width_of=width_of)


_REDUCTIONS: Sequence[Reduction] = (_part(2.3), _part(3.7), _part(5.3), _pixels(400), _pixels(800))
_COUNTED = "JPEG q80"
_ENCODINGS: Mapping[str, Encoding] = {
    _COUNTED: Encoding(format=Format.JPEG, quality=80),
    "WebP q80": Encoding(format=Format.WEBP, quality=80),
    "AVIF q50": Encoding(format=Format.AVIF, quality=50),
    "PNG": Encoding(format=Format.PNG),
    "JPEG q82": Encoding(format=Format.JPEG, quality=82),
    "WebP q84": Encoding(format=Format.WEBP, quality=84),
    "AVIF q55": Encoding(format=Format.AVIF, quality=55),
    "AVIF q65": Encoding(format=Format.AVIF, quality=65),
    "AVIF q70": Encoding(format=Format.AVIF, quality=70),
}
_USUAL = (_COUNTED, "WebP q80", "AVIF q50", "PNG")


if __name__ == "__main__":
    main()
