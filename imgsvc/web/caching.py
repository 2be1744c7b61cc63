"""How long an answer may be kept, by its URL's class (RFC 9111, 8246, 5861), and the names it is kept under."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

_YEAR = 365 * 24 * 3600

_PROVISIONAL_SECONDS = 10

NO_STORE = "no-store"

PROVISIONAL = f"public, max-age={_PROVISIONAL_SECONDS}"
"""Of a rendition that stands in for a better one, whatever its URL: who asks again soon gets that."""


class UrlClass(StrEnum):
    CANONICAL = "canonical"
    """Names one variant for ever."""
    PINNED = "pinned"
    """The caller changes the URL himself when the picture changes (`v`, `rnd`)."""
    OTHER = "other"
    """Says an asset, whose picture may be replaced."""
    ORIGINALS = "originals"
    """Says an asset, and wants its bytes as they came."""
    REDIRECTS = "redirects"
    """Says an asset, and is answered with where its rendition is."""
    MISSING = "missing"
    """Says an asset that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Seconds. `by_class`: where they are not `max_age`, which is all classes' but the canonical and the missing one's.

    `shared`: for caches that serve many; None: as for browsers. `stale_while_revalidate`, `stale_if_error`: how long
    what is out of date may stand in while the present is fetched, or cannot be.
    """

    max_age: int
    by_class: Mapping[UrlClass, int] = field(default_factory=dict[UrlClass, int])
    shared: int | None = None
    stale_while_revalidate: int = 0
    stale_if_error: int = 0


def cache_control(url: UrlClass, lifetimes: Lifetimes, *, left: int | None = None) -> str:
    """`left` seconds: how long the URL itself holds, None for ever. An answer is not kept for longer."""
    seconds = lifetimes.by_class.get(url, lifetimes.max_age)
    if left is not None:
        return f"public, max-age={min(left, _YEAR if url is UrlClass.CANONICAL else seconds)}, must-revalidate"
    match url:
        case UrlClass.CANONICAL:
            return f"public, max-age={_YEAR}, immutable"
        case UrlClass.PINNED:
            return f"public, max-age={seconds}, immutable"
        case UrlClass.OTHER | UrlClass.ORIGINALS | UrlClass.REDIRECTS:
            return ", ".join((f"public, max-age={seconds}", *_when_out_of_date(lifetimes)))
        case UrlClass.MISSING:
            return f"public, max-age={seconds}" if lifetimes.by_class.get(url) else NO_STORE


def _when_out_of_date(lifetimes: Lifetimes) -> Sequence[str]:
    """must-revalidate forbids what the others allow (RFC 9111, section 5.2.2.2)."""
    stale = {
        "stale-while-revalidate": lifetimes.stale_while_revalidate,
        "stale-if-error": lifetimes.stale_if_error,
    }
    shared = () if lifetimes.shared is None else (f"s-maxage={lifetimes.shared}",)
    allowed = tuple(f"{name}={seconds}" for name, seconds in stale.items() if seconds)
    return (*shared, *(allowed or ("must-revalidate",)))


class TagHeader(StrEnum):
    """Header fields by which caches are told under which names an answer is to be purged."""

    SURROGATE_KEY = "surrogate-key"
    """Fastly, and Varnish' xkey: separated by spaces."""
    CACHE_TAG = "cache-tag"
    """Cloudflare, Akamai and others: separated by commas."""


_SEPARATORS: Mapping[TagHeader, str] = {TagHeader.SURROGATE_KEY: " ", TagHeader.CACHE_TAG: ","}


def tag_headers(tags: Sequence[str], headers: Sequence[TagHeader]) -> list[tuple[bytes, bytes]]:
    return [(header.encode(), _SEPARATORS[header].join(tags).encode()) for header in headers]


def provisional(left: int | None) -> str:
    """`PROVISIONAL`, of a URL that holds so many seconds more."""
    return PROVISIONAL if left is None else f"public, max-age={min(left, _PROVISIONAL_SECONDS)}"
