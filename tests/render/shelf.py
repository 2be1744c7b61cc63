"""Originals with their pyramids built, to be rendered from a level or from themselves; and what lies on the shelf."""

from collections.abc import Callable
from pathlib import Path

from imgsvc.core.geometry import Orientation
from imgsvc.core.pyramid import choose_level, level_format, levels_of
from imgsvc.core.transform import Transform
from imgsvc.render.messages import Build, Built, Render, Result, StoredLevel, Written
from imgsvc.render.worker import do
from tests.originals import bmp, cut_out, gif, orientation_jpeg, photograph
from tests.render.darkroom import Darkroom

ON_SHELF: dict[str, Callable[[], bytes]] = {
    "photograph": lambda: photograph(721, 577).jpegsave_buffer(Q=92),
    "photograph as webp": lambda: photograph(720, 576).webpsave_buffer(Q=92, effort=0),
    "photograph as png": lambda: photograph(720, 576).pngsave_buffer(compression=1),
    "quadrants as gif": lambda: gif(720, 576),
    "quadrants as bmp": lambda: bmp(720, 576),
    "cut-out": lambda: cut_out(719, 577).pngsave_buffer(compression=1),
    "grey": lambda: photograph(720, 576).colourspace("b-w").jpegsave_buffer(Q=92),
    "grey cut-out": lambda: cut_out(720, 576).colourspace("b-w").pngsave_buffer(compression=1),
    **{
        f"orientation {orientation}": lambda orientation=orientation: orientation_jpeg(orientation, 720, 576)
        for orientation in Orientation
    },
}


class Shelved:
    """An original whose pyramid is built."""

    def __init__(self, data: bytes, darkroom: Darkroom) -> None:
        self._darkroom = darkroom
        self.data = data
        self._path, self.info = str(darkroom.file(data)), darkroom.probe(data)
        outputs = [str(darkroom.path()) for _ in levels_of(self.info)]
        built = do(Build(path=self._path, info=self.info, outputs=outputs))
        assert isinstance(built, Built)
        self._levels = {
            level: StoredLevel(path=output, format=level_format(self.info), scale=level.scale, crc32=written.crc32)
            for level, output, written in zip(levels_of(self.info), outputs, built.levels, strict=True)
        }

    def level(self, asked: Transform) -> StoredLevel | None:
        """Which serves it."""
        level = choose_level(self.info, self._darkroom.plan(self.data, asked))
        return None if level is None else self._levels[level]

    def render(self, asked: Transform, *, level: StoredLevel | None) -> bytes:
        """`level` None: from the original."""
        output = self._darkroom.path()
        result = self.carry_out(asked, level=level, output=output)
        assert isinstance(result, Written)
        return output.read_bytes()

    def carry_out(self, asked: Transform, *, level: StoredLevel | None, output: Path) -> Result:
        plan = self._darkroom.plan(self.data, asked)
        return do(Render(path=self._path, info=self.info, plan=plan, output=str(output), level=level))
