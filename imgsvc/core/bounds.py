"""What may be asked for by whom nobody has given the right to more: anything, sizes of a ladder, or presets alone."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from fractions import Fraction

from imgsvc.core.errors import NotPermitted
from imgsvc.core.geometry import Enlarge, Fit
from imgsvc.core.ladder import Ladder
from imgsvc.core.presets import PRESETS
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import NOTHING_ASKED, Transform


class Signatures(StrEnum):
    OFF = "off"
    OPTIONAL = "optional"
    """A URL with one may ask for what it was signed for."""
    REQUIRED = "required"


class Unsigned(StrEnum):
    """What URLs without a signature may ask for."""

    ANYTHING = "anything"
    LADDER = "ladder"
    """Presets, originals, and what can be counted: sizes of the ladder, formats, modes, anchors."""
    PRESETS = "presets"
    """Presets and originals, in any format."""


class OffLadder(StrEnum):
    """What becomes of a size that is not on the ladder where it has to be."""

    SNAP = "snap"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`presets`: the operator's own."""

    unsigned: Unsigned
    ladder: Ladder
    off_ladder: OffLadder
    presets: Mapping[str, Transform]

    def bound_unsigned(self, wanted: PictureRequest) -> PictureRequest:
        """With its sizes on the ladder. Raises NotPermitted."""
        match self.unsigned:
            case Unsigned.ANYTHING:
                return wanted
            case Unsigned.LADDER:
                self._refuse_uncountable(wanted)
                return self.on_ladder(wanted)
            case Unsigned.PRESETS:
                own = self._preset(wanted)
                if replace(wanted.transform, format=own.format) != own:
                    raise NotPermitted("Without a signature presets and originals alone can be asked for.")
                return wanted

    def on_ladder(self, wanted: PictureRequest, *, shape: Fraction | None = None) -> PictureRequest:
        """`shape` as in `Ladder.climb`. Raises NotPermitted where what is off the ladder is refused."""
        transform = self.ladder.climb(wanted.transform, self._preset(wanted), shape=shape)
        if transform == wanted.transform:
            return wanted
        if self.off_ladder is OffLadder.REFUSE:
            raise NotPermitted(
                f"Here sizes must be on the ladder, {self.ladder}, and the height of a box in a simple shape such as "
                f"3:4 or 16:9; asked for was {_sizes(wanted.transform)}."
            )
        return replace(wanted, transform=transform)

    def bound_floating(self, wanted: PictureRequest, *, shape: Fraction | None) -> PictureRequest:
        """As `on_ladder`, and never wider than the ladder's top.

        Nor is what no size is asked of, or what would be answered unresized: whoever has the URL may write it so, and
        was not given the original.
        """
        bounded = self.on_ladder(wanted, shape=shape)
        asked, own = _sides(bounded.transform), _sides(self._preset(wanted))
        if bounded.transform.max_width is not None or (asked == own and any(own)):
            return bounded
        return replace(bounded, transform=_no_wider(bounded.transform, self.ladder.rungs[-1]))

    def _refuse_uncountable(self, wanted: PictureRequest) -> None:
        """Raises NotPermitted."""
        own = self._preset(wanted)
        for field in fields(Transform):
            asked = getattr(wanted.transform, field.name)
            if field.name not in _COUNTABLE and asked != getattr(own, field.name):
                raise NotPermitted(f"Without a signature no {_NAMES.get(field.name, field.name)} can be asked for.")

    def _preset(self, wanted: PictureRequest) -> Transform:
        """A name that is a size says no more than the size does."""
        name = wanted.preset or ""
        return self.presets.get(name) or PRESETS.get(name) or NOTHING_ASKED


_SIZES = {"width": "width", "height": "height", "max_width": "maxwidth", "max_height": "maxheight"}
_COUNTABLE = frozenset((*_SIZES, "fit", "enlarge", "gravity", "upright", "format"))
_NAMES = {"focus": "center", "background": "background colour"}


def _no_wider(transform: Transform, top: int) -> Transform:
    """A second bound would make a canvas of a background: what is bounded in height alone is made fit a box instead."""
    width, height, _, max_height = _sides(transform)
    bounded = replace(transform, max_width=top)
    if width is None and height is None and max_height is not None and transform.background is not None:
        return replace(bounded, width=top, height=max_height, fit=Fit.INSIDE, enlarge=Enlarge.NEVER)
    return bounded


def _sides(transform: Transform) -> tuple[int | None, int | None, int | None, int | None]:
    return transform.width, transform.height, transform.max_width, transform.max_height


def _sizes(transform: Transform) -> str:
    """In device pixels."""
    given = zip(_SIZES.values(), _sides(transform), strict=True)
    return ", ".join(f"{word} {side}" for word, side in given if side is not None)
