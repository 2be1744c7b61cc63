"""How a query string is taken apart."""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from imgsvc.core.errors import InvalidParameter


def query_words(query: str) -> Mapping[str, tuple[str, str]]:
    """Values by name in lower case, each with the name as it was spelled. The last of a name wins.

    `+` is a space, as HTML forms have it. Raises InvalidParameter where a percent-encoding is broken, is no UTF-8 or
    hides a control character.
    """
    words: dict[str, tuple[str, str]] = {}
    for pair in query.split("&"):
        spelled, _, value = pair.partition("=")
        name = decode_percent(spelled, of="query")
        if name:
            words[name.lower()] = (name, decode_percent(value, of=name))
    return words


def decode_percent(text: str, *, of: str) -> str:
    """Raises InvalidParameter."""
    if "%" not in text:
        decoded = text.replace("+", " ")
    else:
        if any(len(part) < 2 or not _is_hex(part[:2]) for part in text.split("%")[1:]):
            raise InvalidParameter(of, expected="correctly percent-encoded", received=text)
        try:
            decoded = unquote_to_bytes(text.replace("+", " ")).decode()
        except UnicodeDecodeError:
            raise InvalidParameter(of, expected="percent-encoded UTF-8", received=text) from None
    if any(character < " " or character == "\x7f" for character in decoded):
        raise InvalidParameter(of, expected="text without control characters", received=text)
    return decoded


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in text)
