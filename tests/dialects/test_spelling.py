"""A transform as one segment of a canonical path."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.color import Color
from imgsvc.core.errors import InvalidParameter
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Enlarge, Fit, FocalPoint, Gravity, Region
from imgsvc.core.transform import NOTHING_ASKED, Insets, Metadata, Transform
from imgsvc.dialects.spelling import read_transform, write_transform
from tests.strategies import transforms

# RFC 3986, 3.3: pchar without pct-encoded.
PCHARS = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]*", re.ASCII)


@given(transforms())
def test_reading_what_was_written_gives_the_transform_back(transform: Transform) -> None:
    """Nothing is lost in a URL."""
    assert read_transform(write_transform(transform)) == transform


@given(transforms())
def test_a_canonical_segment_is_written_as_it_was_read(transform: Transform) -> None:
    """One spelling a transform."""
    segment = write_transform(transform)

    assert write_transform(read_transform(segment)) == segment


@given(transforms(), transforms())
def test_segments_are_equal_for_equal_transforms_alone(first: Transform, second: Transform) -> None:
    """Two wishes never share a URL."""
    assert (write_transform(first) == write_transform(second)) == (first == second)


@given(transforms())
def test_a_segment_needs_no_escaping(transform: Transform) -> None:
    """All its characters stand in a path as they are, and none of them parts it."""
    assert PCHARS.fullmatch(write_transform(transform))


def test_nothing_asked_is_spelled_with_nothing() -> None:
    """Both ways."""
    assert write_transform(NOTHING_ASKED) == ""
    assert read_transform("") == NOTHING_ASKED


@pytest.mark.parametrize(
    ("transform", "segment"),
    [
        (Transform(format=Format.WEBP, fit=Fit.COVER, width=400), "width=400,fit=cover,format=webp"),
        (Transform(max_width=600, max_height=500), "max-width=600,max-height=500"),
        (Transform(crop=Region(0, 10, 300, 200)), "crop=0:10:300:200"),
        (
            Transform(crop=Insets(Fraction(1, 10), Fraction(0), Fraction(1, 4), Fraction(1, 10**11))),
            "insets=0.1:0:0.25:0.00000000001",
        ),
        (Transform(focus=FocalPoint(Fraction(1, 2), Fraction(1))), "focus=0.5:1"),
        (Transform(enlarge=Enlarge.SKIP, gravity=Gravity.TOP_LEFT), "enlarge=skip,gravity=topleft"),
        (Transform(upright=False), "upright=no"),
        (Transform(background=Color(255, 0, 0)), "background=ff0000"),
        (Transform(background=Color(255, 0, 0, 128)), "background=ff000080"),
        (Transform(quality=75, metadata=Metadata.KEEP), "quality=75,metadata=keep"),
    ],
)
def test_the_spelling_stays_what_it_is(transform: Transform, segment: str) -> None:
    """These URLs are cached for a year and printed in catalogues: a change here breaks them."""
    assert write_transform(transform) == segment


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        ("width=0", "width"),
        ("width", "width"),
        ("width=", "width"),
        ("fit=pad", "fit"),
        ("max-width=wide", "max-width"),
        ("crop=1:2:3", "crop"),
        ("crop=0:0:0:5", "crop"),
        ("insets=0.5:0:0.5:0", "insets"),
        ("focus=2:0", "focus"),
        ("background=red", "background"),
        ("format=svg", "format"),
        ("format=auto", "format"),
        ("quality=101", "quality"),
        ("Width=5", "transform"),
        ("colour=red", "transform"),
        ("width=5,", "transform"),
        (",", "transform"),
    ],
)
def test_what_this_service_does_not_write_is_refused(segment: str, name: str) -> None:
    """Under the parameter's name, or as no transform at all."""
    with pytest.raises(InvalidParameter) as refused:
        read_transform(segment)

    assert refused.value.name == name


@given(st.text() | st.lists(st.sampled_from(["width=5", "crop", "=", ":", "focus=1:1", ",", "0"])).map("".join))
def test_any_segment_is_read_or_refused(segment: str) -> None:
    """No other exception than ours."""
    try:
        transform = read_transform(segment)
    except InvalidParameter:
        return

    assert read_transform(write_transform(transform)) == transform
