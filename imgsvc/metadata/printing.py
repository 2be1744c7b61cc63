"""How values are written as text, wherever in a file they stood."""

import math
import re
from collections.abc import Iterable, Mapping


def number_text(value: float) -> str:
    """Fifteen significant digits; `inf` and `undef` for a fraction over zero."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "undef"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.15g}"


def numbers_text(values: Iterable[float]) -> str:
    return " ".join(number_text(value) for value in values)


def rounded(value: float, digits: int) -> float:
    """To `digits` significant ones, which is what 32 bits in numerator and denominator are worth."""
    return float(f"{value:.{digits}g}")


def fixed_text(data: bytes) -> str:
    """s15Fixed16Numbers (ICC.1:2010, 4.6), five decimals at most."""
    values = (int.from_bytes(data[at : at + 4], signed=True) / 65536 for at in range(0, len(data) - 3, 4))
    return " ".join(number_text(math.floor(value * 100_000 + 0.5) / 100_000) for value in values)


def binary_text(length: int) -> str:
    """What stands for data that are not printed."""
    return f"(Binary data {length} bytes, use -b option to extract)"


def word(words: Mapping[int, str], key: int) -> str:
    return words.get(key, f"Unknown ({key})")


def text_from_utf8(data: bytes) -> str:
    """Each byte that is none of UTF-8 becomes a question mark; NUL goes."""
    return _STRAY_BYTE.sub("?", data.decode("utf-8", "surrogateescape")).replace("\0", "")


# What `surrogateescape` makes of a byte: PEP 383.
_STRAY_BYTE = re.compile("[\udc80-\udcff]")


def text_before_nul(data: bytes) -> str:
    return text_from_utf8(data.split(b"\0", 1)[0])


def text_from_utf16(data: bytes, order: str) -> str:
    """`order` is `<` or `>`; up to the first NUL. Half a pair of surrogates becomes a question mark."""
    codec = "utf-16-le" if order == "<" else "utf-16-be"
    return data[: len(data) // 2 * 2].decode(codec, "replace").split("\0", 1)[0].replace("\ufffd", "?")
