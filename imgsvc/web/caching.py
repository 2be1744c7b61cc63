"""How long an answer may be kept, by the class of its URL (RFC 9111, RFC 8246)."""

from enum import Enum

_YEAR = 365 * 24 * 3600

PROVISIONAL = "public, max-age=10"
"""Of a rendition that stands in for a better one, whatever its URL: who asks again soon gets that."""


class UrlClass(Enum):
    CANONICAL = "canonical"
    """Names one variant for ever."""
    PINNED = "pinned"
    """The caller changes the URL himself when the picture changes (`v`, `rnd`)."""
    OTHER = "other"
    """Says an asset, whose picture may be replaced."""


def cache_control(url: UrlClass, *, max_age: int) -> str:
    """`max_age` seconds: the operator's setting for all but canonical URLs."""
    match url:
        case UrlClass.CANONICAL:
            return f"public, max-age={_YEAR}, immutable"
        case UrlClass.PINNED:
            return f"public, max-age={max_age}, immutable"
        case UrlClass.OTHER:
            return f"public, max-age={max_age}, must-revalidate"
