"""A ladder of sizes: the few that strangers may ask for, so that what they make the service render is bounded."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from fractions import Fraction

from imgsvc.core.geometry import round_side
from imgsvc.core.transform import Transform

_SIMPLEST = 16
"""Shapes are w:h of whole numbers that are at most this: 1:1, 3:4, 16:9, 7:3, 8:3."""

_Box = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Ladder:
    """`rungs` in px of the result, ascending, at least one."""

    rungs: tuple[int, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.rungs))

    def rung(self, side: int) -> int:
        """The nearest that is not shorter; above the ladder its top."""
        return self.rungs[min(bisect_left(self.rungs, side), len(self.rungs) - 1)]

    def climb(self, asked: Transform, own: Transform, *, shape: Fraction | None = None) -> Transform:
        """`asked` with its sizes on the ladder: equal to it where they are there already.

        What `own`, a preset, says itself may stay. The width moves to its rung and the height follows, half up, in
        the nearest simple shape. `shape`: the one, height by width, that somebody answers for, of the box that `fit`
        fills.
        """
        width, height = self._climb_box((asked.width, asked.height), (own.width, own.height), shape)
        max_width, max_height = self._climb_box(
            (asked.max_width, asked.max_height), (own.max_width, own.max_height), None
        )
        return replace(asked, width=width, height=height, max_width=max_width, max_height=max_height)

    def _climb_box(self, asked: _Box, own: _Box, shape: Fraction | None) -> _Box:
        width, height = asked
        if asked == own:
            return asked
        if width is None or height is None:
            return width and self.rung(width), height and self.rung(height)
        if height == own[1]:
            return self.rung(width), height
        if width == own[0]:
            return width, self.rung(height)
        rung = self.rung(width)
        shape = shape or _own_shape(asked, own) or _simple_shape(Fraction(height, width))
        if rung == width and abs(height - rung * shape) < 1:
            # Rounded by whoever wrote it.
            return asked
        return rung, round_side(rung * shape)


def _own_shape(asked: _Box, own: _Box) -> Fraction | None:
    """Of a preset that was asked for at another density."""
    (width, height), (own_width, own_height) = asked, own
    if width is None or height is None or own_width is None or own_height is None:
        return None
    shape = Fraction(own_height, own_width)
    return shape if abs(height - width * shape) <= (1 + shape) / 2 else None


def _simple_shape(shape: Fraction) -> Fraction:
    """Never 0: what is flatter than the flattest becomes that."""
    if shape > 1:
        return 1 / _simple_shape(1 / shape)
    return max(shape.limit_denominator(_SIMPLEST), Fraction(1, _SIMPLEST))
