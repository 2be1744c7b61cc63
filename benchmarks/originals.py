"""The pictures every benchmark starts from, drawn in code and kept in a cache folder.

What costs time in a photograph is its entropy, so each is a scene of shapes and gradients under several octaves of
noise, strong in some regions and absent in others, tuned until the file is as large as a camera's or a studio's.
"""

import random
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyvips

_SHAPES = 60
_OCTAVES = 6
_SEED_OF_B24 = sum(b"b24")
_COARSEST_FIELD = 8  # samples across the picture in the field that says where there is texture


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A picture to be asked for; `grain` is the standard deviation of its finest noise in 8-bit levels.

    Equal seeds put the texture in the same places; where none is given it is made of the name.
    """

    name: str
    width: int
    height: int
    grain: float
    write: Callable[[pyvips.Image, Path], None]
    seed: int | None = None

    @property
    def suffix(self) -> str:
        return ".png" if self.name == "cut4k" else ".jpg"


def find_original(name: str, *, cache: Path) -> Path:
    """The file of this original, drawn when the cache has none."""
    original = ORIGINALS[name]
    path = cache / "originals" / f"{name}{original.suffix}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}")
        original.write(_draw_scene(original), beside)
        beside.rename(path)
    return path


def write_copies(name: str, *, count: int, cache: Path, folder: Path) -> tuple[Path, ...]:
    """The same picture `count` times in `folder`, each with a comment of its own: equal work, different digests."""
    data = find_original(name, cache=cache).read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    copies = tuple(folder / f"{name}-{number:03}{ORIGINALS[name].suffix}" for number in range(count))
    for path in copies:
        path.write_bytes(_add_comment(data, path.name.encode()))
    return copies


def _add_comment(data: bytes, text: bytes) -> bytes:
    if data.startswith(b"\xff\xd8"):
        # A COM segment (ITU-T T.81, B.2.4.5) behind APP0, which JFIF wants first; its length counts itself.
        after_app0 = 4 + struct.unpack_from(">H", data, 4)[0]
        return data[:after_app0] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + data[after_app0:]
    # A tEXt chunk (PNG third edition, 11.3.3.2) behind IHDR, whose end is always at byte 33.
    body = b"tEXtComment\0" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def _draw_scene(original: Original) -> pyvips.Image:
    seed = sum(original.name.encode()) if original.seed is None else original.seed
    scene = pyvips.Image.svgload_buffer(_shapes(original, seed).encode()).flatten()
    texture = _texture_field(original, seed)
    luminance = _octaves(original, seed) * texture
    chroma = [_noise(original, seed + 50 + band, step=4) * texture * (original.grain / 2) for band in range(3)]
    return (scene + luminance + chroma[0].bandjoin([*chroma[1:]])).cast("uchar").copy(interpretation="srgb")


def _shapes(original: Original, seed: int) -> str:
    draw = random.Random(seed)
    width, height = original.width, original.height
    shapes: list[str] = []
    for number in range(_SHAPES):
        hues = [f"hsl({draw.randrange(360)},{draw.randrange(20, 70)}%,{draw.randrange(20, 80)}%)" for _ in range(2)]
        shapes.append(
            f'<linearGradient id="g{number}" gradientTransform="rotate({draw.randrange(90)})">'
            f'<stop stop-color="{hues[0]}"/><stop offset="1" stop-color="{hues[1]}"/></linearGradient>'
            f'<ellipse cx="{draw.randrange(width)}" cy="{draw.randrange(height)}" fill="url(#g{number})"'
            f' rx="{draw.randrange(width // 40, width // 5)}" ry="{draw.randrange(height // 40, height // 5)}"/>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<linearGradient id="sky" x2="0" y2="1"><stop stop-color="#9fc4e8"/><stop offset="1" stop-color="#4a3d2c"/>'
        f'</linearGradient><rect width="100%" height="100%" fill="url(#sky)"/>{"".join(shapes)}</svg>'
    )


def _octaves(original: Original, seed: int) -> pyvips.Image:
    """Noise whose amplitude grows as its frequency falls, as in pictures of the world."""
    levels = [
        _noise(original, seed + octave, step=2**octave) * (original.grain * 1.5**octave) for octave in range(_OCTAVES)
    ]
    return pyvips.Image.sum(levels)


def _texture_field(original: Original, seed: int) -> pyvips.Image:
    """0 where the picture is smooth, up to about 2 where it is busy."""
    field = _noise(original, seed + 100, step=max(original.width, original.height) // _COARSEST_FIELD)
    return (field > 0).ifthenelse(field * 1.5, 0.1)


def _noise(original: Original, seed: int, *, step: int) -> pyvips.Image:
    """Gaussian noise of deviation 1, one sample every `step` pixels and smooth between."""
    across, down = original.width // step + 2, original.height // step + 2
    noise = pyvips.Image.gaussnoise(across, down, mean=0, sigma=1, seed=seed).copy_memory()
    return (noise if step == 1 else noise.resize(step, kernel="cubic")).crop(0, 0, original.width, original.height)


def _write_progressive(image: pyvips.Image, path: Path) -> None:
    path.write_bytes(image.jpegsave_buffer(Q=85, interlace=True))


def _write_baseline(image: pyvips.Image, path: Path) -> None:
    path.write_bytes(image.jpegsave_buffer(Q=90))


def _write_cutout(image: pyvips.Image, path: Path) -> None:
    """The picture inside a wavy outline whose edge is soft, nothing outside."""
    width, height = image.width, image.height
    place = pyvips.Image.xyz(width, height) - [width / 2, height / 2]
    distance = (place[0] ** 2 + (place[1] * 0.85) ** 2) ** 0.5
    outline = width * 0.4 + (place[0] * (720 / width)).sin() * (width * 0.03)
    alpha = ((outline - distance) * 20 + 128).cast("uchar")
    path.write_bytes((alpha > 0).ifthenelse(image, 0).bandjoin(alpha).pngsave_buffer(compression=6))


BY_MEGAPIXELS: Mapping[int, tuple[int, int]] = {
    1: (1224, 816),
    3: (2121, 1414),
    12: (4242, 2828),
    25: (6123, 4082),
    50: (8658, 5772),
    100: (12240, 8160),
}
"""Widths and heights of photographs like b24, which are originals by the names mp1 to mp100; none has more pixels."""

ORIGINALS: Mapping[str, Original] = {
    original.name: original
    for original in (
        Original(name="p12", width=3064, height=4592, grain=2.5, write=_write_progressive),
        Original(name="b24", width=6000, height=4000, grain=2.7, write=_write_baseline),
        Original(name="cut4k", width=4000, height=4000, grain=1, write=_write_cutout),
        Original(name="s1k", width=1000, height=1000, grain=2, write=_write_baseline),
        Original(name="t300", width=300, height=300, grain=2, write=_write_baseline),
        *(
            Original(
                name=f"mp{megapixels}", width=width, height=height, grain=2.7, write=_write_baseline, seed=_SEED_OF_B24
            )
            for megapixels, (width, height) in BY_MEGAPIXELS.items()
        ),
    )
}
