"""The service's own words: reading what was written gives the value back."""

from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.errors import InvalidParameter
from imgsvc.core.formats import Format
from imgsvc.core.parameters import (
    PARAMETERS,
    Parameter,
    make_insets,
    read_decimal,
    read_flag,
    read_format,
    read_fraction,
    read_place,
    read_side,
    read_value,
)
from imgsvc.core.transform import Insets, Transform
from tests.strategies import VALUES

ROWS = pytest.mark.parametrize("row", PARAMETERS.values(), ids=lambda row: row.name)


def test_every_field_of_a_transform_has_a_parameter() -> None:
    """What can be wanted can be spelled."""
    assert {row.field for row in PARAMETERS.values()} == {field.name for field in fields(Transform)}


def test_every_parameter_has_values_to_be_tested_with() -> None:
    """A new row fails here until the strategy knows it."""
    assert set(VALUES) == set(PARAMETERS)


@ROWS
@given(data=st.data())
def test_reading_what_was_written_gives_the_value_back(row: Parameter[Any], data: st.DataObject) -> None:
    """For every row and all its values."""
    value = data.draw(VALUES[row.name])

    text = row.write(value)

    assert text is not None
    assert row.read(text) == value


@ROWS
@given(data=st.data())
def test_a_value_has_one_text(row: Parameter[Any], data: st.DataObject) -> None:
    """Writing what was read gives the text back, so the URL is canonical."""
    text = row.write(data.draw(VALUES[row.name]))

    assert text is not None
    assert row.write(row.read(text)) == text


@ROWS
@given(text=st.text(max_size=20))
def test_any_text_is_read_or_refused_with_a_value_error(row: Parameter[Any], text: str) -> None:
    """No other exception comes out of a reader."""
    try:
        read: object = row.read(text)
    except ValueError:
        return

    assert read is not None


def test_crop_and_insets_leave_each_others_values_alone() -> None:
    """They share a field; each writes its own kind."""
    insets = Insets(*[Fraction(1, 4)] * 4)

    assert PARAMETERS["crop"].write(insets) is None
    assert PARAMETERS["insets"].write(insets) == "0.25:0.25:0.25:0.25"


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (read_side, "1", 1),
        (read_side, "999999", 999_999),
        (read_place, "0", 0),
        (read_decimal, "0.5", Fraction(1, 2)),
        (read_decimal, ".5", Fraction(1, 2)),
        (read_decimal, "0012.340", Fraction(1234, 100)),
        (read_decimal, "0.123456789", Fraction(123456789, 10**9)),
        (read_fraction, "1.0", Fraction(1)),
        (read_fraction, "0.12345678901", Fraction(12345678901, 10**11)),
        (read_flag, "TRUE", True),
        (read_flag, "1", True),
        (read_flag, "off", False),
    ],
)
def test_a_reader_takes_the_text_as_it_is_written(read: Callable[[str], object], text: str, value: object) -> None:
    """Exactly, without a float between."""
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_side, ""),
        (read_side, "0"),
        (read_side, "01"),
        (read_side, "-1"),
        (read_side, "+1"),
        (read_side, "1.0"),
        (read_side, "1_000"),
        (read_side, " 1"),
        (read_side, "1\n"),
        (read_side, "٣"),
        (read_side, "1000000"),
        (read_side, "9" * 5000),
        (read_place, "-1"),
        (read_place, "1000000"),
        (read_decimal, ""),
        (read_decimal, "."),
        (read_decimal, "1."),
        (read_decimal, "1e3"),
        (read_decimal, "-1"),
        (read_decimal, "1/2"),
        (read_decimal, "inf"),
        (read_decimal, "nan"),
        (read_decimal, "0.1234567890"),
        (read_decimal, "1234567"),
        (read_fraction, "1.1"),
        (read_fraction, "0.123456789012"),
        (read_flag, ""),
        (read_flag, "2"),
        (read_flag, "maybe"),
        (read_format, "svg"),
        (read_format, "heic"),
        (read_format, ""),
    ],
)
def test_a_reader_refuses_the_rest(read: Callable[[str], object], text: str) -> None:
    """Signs, other digits, what int() and Fraction() would take besides, and more digits than anyone needs."""
    with pytest.raises(InvalidParameter):
        read_value("v", text, read=read, expected="something else")


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("jpg", Format.JPEG),
        ("jpeg", Format.JPEG),
        ("bmp", Format.BMP),
        ("gif", Format.GIF),
        ("png", Format.PNG),
        ("png8", Format.PNG8),
        ("tif", Format.TIFF),
        ("tiff", Format.TIFF),
        ("webp", Format.WEBP),
        ("avif", Format.AVIF),
        ("AVIF", Format.AVIF),
    ],
)
def test_a_format_is_read_by_every_word_for_it(text: str, output: Format) -> None:
    """Its name and its extensions, in any case."""
    assert read_format(text) is output


@pytest.mark.parametrize(
    "parts", [("0.5", "0", "0.5", "0"), ("0", "0.7", "0", "0.3"), ("1", "0", "0", "0")], ids=", ".join
)
def test_insets_that_leave_nothing_are_refused(parts: tuple[str, str, str, str]) -> None:
    """Opposite ones must be below 1 together."""
    left, top, right, bottom = map(Fraction, parts)

    with pytest.raises(InvalidParameter):
        read_value("insets", "", read=lambda _: make_insets(left, top, right, bottom), expected="smaller")


def test_a_bad_value_is_told_under_the_name_the_caller_used() -> None:
    """Name as spelled, what was expected, what came."""
    with pytest.raises(InvalidParameter) as refused:
        read_value("WIDTH", "wide", read=read_side, expected="a number")

    assert refused.value.name == "WIDTH"
    assert refused.value.detail == 'WIDTH must be a number; received "wide".'
