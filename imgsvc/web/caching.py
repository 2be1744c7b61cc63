"""How long an answer may be kept, by the class of its URL (RFC 9111, RFC 8246)."""

from enum import Enum

_YEAR = 365 * 24 * 3600

_PROVISIONAL_SECONDS = 10

PROVISIONAL = f"public, max-age={_PROVISIONAL_SECONDS}"
"""Of a rendition that stands in for a better one, whatever its URL: who asks again soon gets that."""


class UrlClass(Enum):
    CANONICAL = "canonical"
    """Names one variant for ever."""
    PINNED = "pinned"
    """The caller changes the URL himself when the picture changes (`v`, `rnd`)."""
    OTHER = "other"
    """Says an asset, whose picture may be replaced."""


def cache_control(url: UrlClass, *, max_age: int, left: int | None = None) -> str:
    """`max_age` seconds: the operator's setting for all but canonical URLs.

    `left` seconds: how long the URL itself holds, None for ever. An answer is not kept for longer.
    """
    if left is not None:
        return f"public, max-age={min(left, _YEAR if url is UrlClass.CANONICAL else max_age)}, must-revalidate"
    match url:
        case UrlClass.CANONICAL:
            return f"public, max-age={_YEAR}, immutable"
        case UrlClass.PINNED:
            return f"public, max-age={max_age}, immutable"
        case UrlClass.OTHER:
            return f"public, max-age={max_age}, must-revalidate"


def provisional(left: int | None) -> str:
    """`PROVISIONAL`, of a URL that holds so many seconds more."""
    return PROVISIONAL if left is None else f"public, max-age={min(left, _PROVISIONAL_SECONDS)}"
