"""Preconditions and ranges of RFC 9110, sections 13 and 14: pure functions from header values to what holds."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import NamedTuple

_RANGE = re.compile(r"bytes=\s*(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})\s*", re.IGNORECASE | re.ASCII)


class ByteRange(NamedTuple):
    """Of a body: the first byte and the one behind the last."""

    start: int
    stop: int


class UnsatisfiableRange(Exception):
    """Nothing of the body lies in the range asked for: 416."""


def http_date(moment: datetime) -> str:
    """RFC 9110, section 5.6.7."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def is_not_modified(
    *, if_none_match: str | None, if_modified_since: str | None, etag: str, modified: datetime | None
) -> bool:
    """Section 13.2.2: If-Modified-Since is not asked where there is an If-None-Match. `etag` with its quotes."""
    if if_none_match is not None:
        return matches_weakly(if_none_match, etag)
    since = _parsed_date(if_modified_since)
    return since is not None and modified is not None and modified.replace(microsecond=0) <= since


def matches_weakly(if_none_match: str, etag: str) -> bool:
    """Section 13.1.2: `*`, or a list in which one is equal, `W/` aside."""
    if if_none_match.strip() == "*":
        return True
    return any(one.strip().removeprefix("W/") == etag for one in if_none_match.split(","))


def select_range(
    *, header: str | None, if_range: str | None, length: int, etag: str, modified: datetime | None
) -> ByteRange | None:
    """The one range to answer with 206, or None for the whole body.

    A range that is malformed, of other units, or one of several is ignored, as section 14.2 allows. Raises
    UnsatisfiableRange.
    """
    match = _RANGE.fullmatch(header) if header is not None else None
    if match is None or not _if_range_holds(if_range, etag=etag, modified=modified):
        return None
    first, last = match["first"], match["last"]
    if not first and not last:
        return None
    if not first:
        start, stop = max(0, length - int(last)), length
    else:
        start, stop = int(first), min(length, int(last) + 1) if last else length
        if last and int(last) < int(first):
            return None
    if start >= length or start >= stop:
        raise UnsatisfiableRange
    return ByteRange(start, stop)


def _if_range_holds(if_range: str | None, *, etag: str, modified: datetime | None) -> bool:
    """Section 13.1.5: a strong comparison, or the very date."""
    if if_range is None:
        return True
    return if_range == etag or (modified is not None and _parsed_date(if_range) == modified.replace(microsecond=0))


def _parsed_date(text: str | None) -> datetime | None:
    """None for what is no date; such a header is ignored (section 13.1.3)."""
    if text is None:
        return None
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
