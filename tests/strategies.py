"""Values of the core as hypothesis draws them: geometry, colours, transforms, originals, plans."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from imgsvc.core.assets import Digest, ImageInfo, Original
from imgsvc.core.color import Color
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Enlarge, Fit, FocalPoint, Gravity, Orientation, Region, Size
from imgsvc.core.limits import Limits
from imgsvc.core.parameters import PARAMETERS
from imgsvc.core.plan import Defaults, Encoding, Plan, UseOriginal, make_plan
from imgsvc.core.transform import NOTHING_ASKED, Insets, Metadata, Transform

LONGEST_SIDE = 999_999
"""Of any length that can be asked for."""

WRITTEN_FORMATS = tuple(name for name, row in FORMATS.items() if row.encodes)
READ_FORMATS = tuple(name for name, row in FORMATS.items() if row.decodes)


def sizes(*, longest: int = 3000) -> SearchStrategy[Size]:
    side = st.integers(1, longest)
    return st.builds(Size, side, side)


@st.composite
def regions_inside(draw: DrawFn, size: Size) -> Region:
    left, top = draw(st.integers(0, size.width - 1)), draw(st.integers(0, size.height - 1))
    return Region(left, top, draw(st.integers(1, size.width - left)), draw(st.integers(1, size.height - top)))


def colors() -> SearchStrategy[Color]:
    channel = st.integers(0, 255)
    return st.builds(Color, channel, channel, channel, channel | st.just(255))


def shares() -> SearchStrategy[Fraction]:
    """0..1 in decimal places, as many as URLs may have."""
    return st.integers(0, 11).flatmap(lambda places: st.integers(0, 10**places).map(lambda n: Fraction(n, 10**places)))


def focal_points() -> SearchStrategy[FocalPoint]:
    return st.builds(FocalPoint, shares(), shares())


@st.composite
def insets(draw: DrawFn) -> Insets:
    whole = 10 ** draw(st.integers(1, 11))
    left, top = draw(st.integers(0, whole - 1)), draw(st.integers(0, whole - 1))
    right, bottom = draw(st.integers(0, whole - 1 - left)), draw(st.integers(0, whole - 1 - top))
    return Insets(*(Fraction(part, whole) for part in (left, top, right, bottom)))


def _lengths() -> SearchStrategy[int]:
    """Most of them such as shops ask for."""
    return st.integers(1, 2000) | st.integers(1, LONGEST_SIDE)


def _places() -> SearchStrategy[int]:
    return st.integers(0, 2000) | st.integers(0, LONGEST_SIDE)


VALUES: Mapping[str, SearchStrategy[object]] = MappingProxyType(
    {
        "crop": st.builds(Region, _places(), _places(), _lengths(), _lengths()),
        "insets": insets(),
        "width": _lengths(),
        "height": _lengths(),
        "max-width": _lengths(),
        "max-height": _lengths(),
        "fit": st.sampled_from(Fit),
        "enlarge": st.sampled_from(Enlarge),
        "gravity": st.sampled_from(Gravity),
        "focus": focal_points(),
        "upright": st.booleans(),
        "background": colors(),
        "format": st.sampled_from(WRITTEN_FORMATS),
        "quality": st.integers(1, 100),
        "metadata": st.sampled_from(Metadata),
    }
)
"""What the parameters of the same name may be."""


def transforms() -> SearchStrategy[Transform]:
    """Any parameter given or not."""
    return st.fixed_dictionaries({}, optional=dict(VALUES)).map(
        lambda values: replace(NOTHING_ASKED, **{PARAMETERS[name].field: value for name, value in values.items()})
    )


def image_infos() -> SearchStrategy[ImageInfo]:
    return st.builds(
        ImageInfo,
        format=st.sampled_from(READ_FORMATS),
        size=sizes(),
        orientation=st.sampled_from(Orientation),
        frames=st.integers(1, 3),
        has_alpha=st.booleans(),
        is_srgb=st.booleans(),
    )


def original_of(info: ImageInfo, *, length: int = 50_000) -> Original:
    return Original(
        digest=Digest("ab" * 32),
        md5="cd" * 16,
        crc32=0xEF,
        length=length,
        info=info,
    )


def originals() -> SearchStrategy[Original]:
    return image_infos().map(original_of)


def encodings() -> SearchStrategy[Encoding]:
    return st.builds(
        Encoding,
        format=st.sampled_from(WRITTEN_FORMATS),
        quality=st.none() | st.integers(1, 100),
        lossless=st.booleans(),
        metadata=st.sampled_from(Metadata),
    )


PLAN_FIELDS: Mapping[str, SearchStrategy[object]] = MappingProxyType(
    {
        "source": st.sampled_from(READ_FORMATS),
        "to_srgb": st.booleans(),
        "region": st.none() | regions_inside(Size(12, 12)),
        "orientation": st.sampled_from(Orientation),
        "size": sizes(longest=12),
        "trim": st.none() | regions_inside(Size(12, 12)),
        "canvas": st.none() | sizes(longest=12),
        "left": st.integers(0, 12),
        "top": st.integers(0, 12),
        "background": st.none() | colors(),
        "frames": st.integers(1, 12),
        "encoding": encodings(),
        "max_bytes": st.none() | st.integers(1, 12),
        "use_original": st.sampled_from(UseOriginal),
    }
)
"""Small numbers, so that a digit slipping from one field into the next would show."""


def plans() -> SearchStrategy[Plan]:
    """Fields drawn one by one: they need not make sense together."""
    return st.fixed_dictionaries(dict(PLAN_FIELDS)).map(_plan_from_fields)


@st.composite
def pairs_of_plans(draw: DrawFn) -> tuple[Plan, Plan]:
    """The second differs in a few fields, often in none."""
    first = draw(plans())
    changed = draw(st.lists(st.sampled_from(sorted(PLAN_FIELDS)), max_size=2, unique=True))
    return first, replace(first, **{name: draw(PLAN_FIELDS[name]) for name in changed})


def a_plan() -> Plan:
    """Where one will do: a JPEG scaled to 300 by 200 px."""
    info = ImageInfo(format=Format.JPEG, size=Size(600, 400))
    return make_plan(original_of(info), Transform(width=300), defaults=Defaults(), limits=Limits())


def _plan_from_fields(fields: Mapping[str, object]) -> Plan:
    return replace(a_plan(), **fields)
