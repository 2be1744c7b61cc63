"""How fields of EXIF are printed. None where a field says nothing that can be printed."""

import math
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from imgsvc.metadata.ifd import ASCII, UNDEFINED, Field
from imgsvc.metadata.printing import (
    binary_text,
    number_text,
    text_before_nul,
    text_from_utf8,
    text_from_utf16,
    word,
)

Print: TypeAlias = Callable[[Field], str | None]


def plain(field: Field) -> str:
    return field.text


def trimmed(field: Field) -> str:
    """Cameras fill their names up with spaces."""
    return field.text.rstrip(" \t\r\n")


def binary(field: Field) -> str:
    length = len(field.data) if field.kind == UNDEFINED else len(field.text)
    return binary_text(length)


def short_list(field: Field) -> str:
    """Offsets and lengths of strips, unless there are many."""
    text = field.text
    return text if len(text) <= 32 else binary_text(len(text))


def words(table: Mapping[int, str], *, hexadecimal: bool = False) -> Print:
    """One number, by its word."""

    def print_word(field: Field) -> str | None:
        key = _integer(field)
        if key is None:
            return None
        return table.get(key, f"Unknown ({key:#x})" if hexadecimal and key else f"Unknown ({key})")

    return print_word


def word_list(table: Mapping[int, str], separator: str) -> Print:
    def print_words(field: Field) -> str:
        return separator.join(word(table, int(key)) for key in field.numbers if math.isfinite(key))

    return print_words


def letters(table: Mapping[str, str]) -> Print:
    return lambda field: table.get(field.text, f"Unknown ({field.text})")


def unit(suffix: str) -> Print:
    """`3.5 m`; what is no number stands alone."""

    def print_measure(field: Field) -> str:
        text = field.text
        return text if text in ("inf", "undef") else f"{text} {suffix}"

    return print_measure


def iso(field: Field) -> str:
    return field.text.replace(" ", ", ")


def exposure_time(field: Field) -> str | None:
    value = _number(field)
    return field.text if value is None or not math.isfinite(value) else seconds_text(value)


def seconds_text(value: float) -> str:
    """From a quarter of a second down as a fraction, else with one decimal."""
    if 0 < value < 0.25001:
        return f"1/{math.floor(0.5 + 1 / value)}"
    return f"{value:.1f}".removesuffix(".0")


def f_number(field: Field) -> str:
    value = _number(field)
    if value is None or not math.isfinite(value) or value <= 0:
        return field.text
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def shutter_speed(field: Field) -> str | None:
    """APEX, Tv: EXIF 2.32, annex C."""
    value = _number(field)
    if value is None or not abs(value) < 100:
        return None
    return seconds_text(2**-value)


def aperture(field: Field) -> str | None:
    """APEX, Av: EXIF 2.32, annex C."""
    value = _number(field)
    return None if value is None or not abs(value) < 100 else f"{2 ** (value / 2):.1f}"


def compensation(field: Field) -> str | None:
    """With its sign; halves and thirds as fractions."""
    value = _number(field)
    if value is None or not math.isfinite(value):
        return None
    if value == 0:
        return "0"
    for denominator in (1, 2, 3):
        numerator = round(value * denominator)
        if numerator and math.isclose(numerator, value * denominator, rel_tol=1e-3):
            return f"{numerator:+d}" if denominator == 1 else f"{numerator:+d}/{denominator}"
    return f"{value:+.3g}"


def focal_length(field: Field) -> str | None:
    value = _number(field)
    return None if value is None or not math.isfinite(value) else f"{value:.1f} mm"


def lens_info(field: Field) -> str:
    """Shortest and longest focal length, f-number at each: EXIF 2.32, LensSpecification."""
    if len(field.numbers) != 4:
        return field.text
    near, far, near_stop, far_stop = ("?" if not math.isfinite(n) else number_text(n) for n in field.numbers)
    lengths = near if near == far else f"{near}-{far}"
    stops = near_stop if near_stop == far_stop else f"{near_stop}-{far_stop}"
    return f"{lengths}mm f/{stops}"


def components(field: Field) -> str:
    names = ("-", "Y", "Cb", "Cr", "R", "G", "B")
    return ", ".join(names[code] if code < len(names) else f"Err ({code})" for code in field.data)


def colour_filters(field: Field) -> str | None:
    """Columns, rows, then a colour each: EXIF 2.32, CFAPattern. Some write the counts in the other byte order."""
    data = field.data
    if len(data) < 5:
        return None
    for order in ("little", "big") if field.order == "<" else ("big", "little"):
        across, down = (int.from_bytes(data[at : at + 2], order) for at in (0, 2))
        cells = data[4 : 4 + across * down]
        if across and down and len(cells) == across * down == len(data) - 4:
            rows = (cells[at : at + across] for at in range(0, len(cells), across))
            return "".join(f"[{','.join(_FILTERS.get(cell, 'Unknown') for cell in row)}]" for row in rows)
    return None


_FILTERS = {0: "Red", 1: "Green", 2: "Blue", 3: "Cyan", 4: "Magenta", 5: "Yellow", 6: "White"}


def copyright_notice(field: Field) -> str:
    """Photographer's and editor's, divided by a NUL: EXIF 2.32, Copyright."""
    holders = [text_from_utf8(part).rstrip(" \t\r\n") for part in field.data.split(b"\0")[:2]]
    return "\n".join(holders).rstrip("\n")


def comment(field: Field) -> str | None:
    """The first eight bytes name the characters' code: EXIF 2.32, table 9. JIS is not read."""
    if field.kind == ASCII:
        return text_before_nul(field.data)
    code, data = field.data[:8], field.data[8:]
    if code == b"UNICODE\0":
        return _unicode_comment(data, field.order).rstrip(" \0")
    if code == b"ASCII\0\0\0" or code == bytes(8):
        return text_before_nul(data).rstrip(" ")
    return None if code.startswith(b"JIS\0") else text_before_nul(field.data).rstrip(" ")


def _unicode_comment(data: bytes, order: str) -> str:
    """Byte order by mark, else by where the zeros of Latin letters stand, else the block's."""
    marks = {b"\xff\xfe": "<", b"\xfe\xff": ">"}
    if data[:2] in marks:
        return text_from_utf16(data[2:], marks[data[:2]])
    zeros = {">": data[0::2].count(0), "<": data[1::2].count(0)}
    if zeros["<"] != zeros[">"]:
        order = max(zeros, key=lambda each: zeros[each])
    return text_from_utf16(data, order)


def windows_text(field: Field) -> str:
    """XPTitle and its kin: UTF-16, little-endian in either block (Windows Explorer)."""
    return text_from_utf16(field.data, "<")


def version(field: Field) -> str:
    return ".".join(number_text(number) for number in field.numbers)


def time_stamp(field: Field) -> str | None:
    """Hours, minutes, seconds, carried over where one has a fraction."""
    if len(field.numbers) != 3 or not all(math.isfinite(number) for number in field.numbers):
        return None
    hours, minutes, seconds = field.numbers
    whole = math.floor(total := hours * 3600 + minutes * 60 + seconds)
    hours, rest = divmod(whole, 3600)
    minutes, whole_seconds = divmod(rest, 60)
    rest_text = f"{whole_seconds + total - whole:012.9f}".rstrip("0").rstrip(".")
    return f"{hours:02d}:{minutes:02d}:{rest_text}"


def date_stamp(field: Field) -> str:
    """Some write other signs than colons, or none."""
    digits = re.fullmatch(r"(\d{4})[^\d]?(\d\d)[^\d]?(\d\d)", text_from_utf8(field.data).strip())
    return ":".join(digits.groups()) if digits else text_from_utf8(field.data)


def degrees(field: Field) -> str | None:
    """Degrees, minutes and seconds, any of which may have a fraction or be missing."""
    if not 1 <= len(field.numbers) <= 3 or not all(math.isfinite(number) for number in field.numbers):
        return None
    total = sum(number / 60**power for power, number in enumerate(field.numbers))
    whole = int(total)
    minutes = (total - whole) * 60
    seconds = f"{(minutes - int(minutes)) * 60:.2f}"
    minutes = int(minutes)
    if seconds == "60.00":
        seconds, minutes = "0.00", minutes + 1
    if minutes == 60:
        whole, minutes = whole + 1, 0
    return f"{whole} deg {minutes}' {seconds}\""


def _number(field: Field) -> float | None:
    """The field's only number; a text that is one counts too."""
    if field.kind in (ASCII, UNDEFINED):
        return float(field.text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", field.text, re.ASCII) else None
    return field.numbers[0] if len(field.numbers) == 1 else None


def _integer(field: Field) -> int | None:
    if field.kind == UNDEFINED:
        return field.data[0] if len(field.data) == 1 else None
    value = _number(field)
    return int(value) if value is not None and math.isfinite(value) and value == int(value) else None
