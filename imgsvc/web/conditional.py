"""Preconditions of RFC 9110, section 13: pure functions from header values to what holds."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum

_TAG = re.compile(r'[ \t]*(?:((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)')
"""An element of a list of entity tags, or an empty one (sections 5.6.1 and 8.8.3). A comma may stand within a tag."""


class Outcome(Enum):
    """What a request's preconditions come to."""

    PROCEED = "proceed"
    NOT_MODIFIED = "304"
    FAILED = "412"


def http_date(moment: datetime) -> str:
    """Section 5.6.7."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def exact_date(modified: datetime, *, now: datetime) -> datetime | None:
    """What may be told as Last-Modified, so that no two contents ever have one date, which counts seconds.

    None in the second of the change itself: another might follow in it (section 8.8.2.2).
    """
    second = modified.replace(microsecond=0)
    return second if now >= second + timedelta(seconds=1) else None


def evaluate(sent: Mapping[bytes, str], *, etag: str, modified: datetime | None) -> Outcome:
    """Of a GET or HEAD, in the order of section 13.2.2. `sent` by name in lower case; `etag` with its quotes, strong.

    A date is asked about only where no tag is, and where there is a date to compare with.
    """
    match, none_match = sent.get(b"if-match"), sent.get(b"if-none-match")
    if match is not None:
        if not matches_strongly(match, etag):
            return Outcome.FAILED
    elif _is_later(modified, sent.get(b"if-unmodified-since")) is True:
        return Outcome.FAILED
    if none_match is not None:
        return Outcome.NOT_MODIFIED if matches_weakly(none_match, etag) else Outcome.PROCEED
    is_later = _is_later(modified, sent.get(b"if-modified-since"))
    return Outcome.NOT_MODIFIED if is_later is False else Outcome.PROCEED


def matches_strongly(if_match: str, etag: str) -> bool:
    """Section 13.1.1: `*`, or a list in which one is equal as it stands."""
    return if_match.strip(" \t") == "*" or etag in _tags(if_match)


def matches_weakly(if_none_match: str, etag: str) -> bool:
    """Section 13.1.2: `*`, or a list in which one is equal, `W/` aside."""
    return if_none_match.strip(" \t") == "*" or any(tag.removeprefix("W/") == etag for tag in _tags(if_none_match))


def range_holds(if_range: str | None, *, etag: str, modified: datetime | None) -> bool:
    """Section 13.1.5: no If-Range, the very tag, or the very date."""
    if if_range is None:
        return True
    return if_range.strip(" \t") == etag or (modified is not None and _parsed_date(if_range) == _second(modified))


def _tags(header: str) -> list[str]:
    """As they stand, `W/` and quotes included; none at all where the header is no list of tags."""
    tags: list[str] = []
    position = 0
    while position < len(header):
        match = _TAG.match(header, position)
        if match is None:
            return []
        tags += filter(None, (match[1],))
        position = match.end()
    return tags


def _is_later(modified: datetime | None, header: str | None) -> bool | None:
    """Than the header's date; None where either is none, so that nothing follows (sections 13.1.3 and 13.1.4)."""
    date = _parsed_date(header)
    return None if date is None or modified is None else _second(modified) > date


def _second(modified: datetime) -> datetime:
    return modified.replace(microsecond=0)


def _parsed_date(text: str | None) -> datetime | None:
    """None for what is no date."""
    if text is None:
        return None
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
