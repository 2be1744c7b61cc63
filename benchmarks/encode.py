"""Encoders: what effort costs in time and buys in bytes. `imgsvc.render.encode` takes its settings from here."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import log10
from pathlib import Path

import pyvips

from benchmarks.originals import find_original
from benchmarks.stage import add_cache_argument, say
from benchmarks.tables import print_rows, spread

_ANY_HEIGHT = 10_000_000  # VIPS_MAX_COORD
_FILTER_UP = 0x20  # VIPS_FOREIGN_PNG_FILTER_UP (libvips/include/vips/foreign.h)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An encoder's settings in libvips' words, for a rendition of `original` that is `width` pixels wide."""

    name: str
    original: str
    width: int
    save: Callable[[pyvips.Image], bytes]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encode", description=__doc__)
    add_cache_argument(parser)
    parser.add_argument("--rounds", type=int, default=5, help="how often each candidate has its turn (default: 5)")
    arguments = parser.parse_args()
    pyvips.cache_set_max(0)
    for title, candidates in CANDIDATES.items():
        say(f"{title} …")
        _print_candidates(title, candidates, cache=arguments.cache, rounds=arguments.rounds)


def _print_candidates(title: str, candidates: Sequence[Candidate], *, cache: Path, rounds: int) -> None:
    pixels = [_render(candidate, cache=cache) for candidate in candidates]
    answers = [candidate.save(image) for candidate, image in zip(candidates, pixels, strict=True)]
    milliseconds: list[list[float]] = [[] for _ in candidates]
    for _ in range(rounds):
        for candidate, image, taken in zip(candidates, pixels, milliseconds, strict=True):
            before = time.process_time()
            candidate.save(image)
            taken.append((time.process_time() - before) * 1000)
    print_rows(
        (title, "CPU ms", "KB", "PSNR dB"),
        [
            (candidate.name, spread(taken), f"{len(answer) / 1000:.1f}", _decibels(image, answer))
            for candidate, image, answer, taken in zip(candidates, pixels, answers, milliseconds, strict=True)
        ],
    )


def _render(candidate: Candidate, *, cache: Path) -> pyvips.Image:
    path = find_original(candidate.original, cache=cache)
    return pyvips.Image.thumbnail(str(path), candidate.width, height=_ANY_HEIGHT).copy_memory()


def _decibels(pixels: pyvips.Image, answer: bytes) -> str:
    """Both on white, so that colours nobody sees do not count."""
    decoded = pyvips.Image.new_from_buffer(answer, "")
    error = ((_flatten(pixels) - _flatten(decoded)) ** 2).avg()
    return f"{10 * log10(255**2 / error):.1f}" if error else "exact"


def _flatten(image: pyvips.Image) -> pyvips.Image:
    return image.flatten(background=[255, 255, 255]) if image.hasalpha() else image


def _photograph(name: str, save: Callable[[pyvips.Image], bytes]) -> Candidate:
    return Candidate(name=name, original="p12", width=800, save=save)


def _cutout(name: str, save: Callable[[pyvips.Image], bytes]) -> Candidate:
    return Candidate(name=name, original="cut4k", width=600, save=save)


CANDIDATES: Mapping[str, Sequence[Candidate]] = {
    "JPEG q80, p12 at 800 px": (
        _photograph("plain", lambda image: image.jpegsave_buffer(Q=80)),
        _photograph("optimised Huffman tables", lambda image: image.jpegsave_buffer(Q=80, optimize_coding=True)),
        _photograph("progressive", lambda image: image.jpegsave_buffer(Q=80, interlace=True)),
        _photograph(
            "trellis, progressive", lambda image: image.jpegsave_buffer(Q=80, interlace=True, trellis_quant=True)
        ),
    ),
    "WebP q80, p12 at 800 px": tuple(
        _photograph(f"effort {effort}", partial(pyvips.Image.webpsave_buffer, Q=80, effort=effort))
        for effort in (0, 2, 4, 6)
    ),
    "WebP q80, cut4k at 600 px": tuple(
        _cutout(f"effort {effort}", partial(pyvips.Image.webpsave_buffer, Q=80, effort=effort)) for effort in (0, 2, 4)
    ),
    "AVIF q50, p12 at 800 px": tuple(
        _photograph(f"effort {effort}", partial(pyvips.Image.heifsave_buffer, compression="av1", Q=50, effort=effort))
        for effort in (0, 1, 2, 3, 4)
    ),
    "PNG, cut4k at 600 px": (
        _cutout("compression 6, no filter", lambda image: image.pngsave_buffer(compression=6)),
        _cutout("compression 3, no filter", lambda image: image.pngsave_buffer(compression=3)),
        _cutout("compression 3, filter up", lambda image: image.pngsave_buffer(compression=3, filter=_FILTER_UP)),
        _cutout("compression 6, filter up", lambda image: image.pngsave_buffer(compression=6, filter=_FILTER_UP)),
        _cutout("palette, effort 1", lambda image: image.pngsave_buffer(palette=True, Q=100, effort=1)),
        _cutout("palette, effort 7", lambda image: image.pngsave_buffer(palette=True, Q=100, effort=7)),
    ),
}


if __name__ == "__main__":
    main()
