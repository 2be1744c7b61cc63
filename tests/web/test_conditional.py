"""Preconditions and ranges: RFC 9110 as pure functions, for whatever a header may say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imgsvc.web.conditional import (
    ByteRange,
    UnsatisfiableRange,
    http_date,
    is_not_modified,
    matches_weakly,
    select_range,
)

ETAG = '"0123456789abcdef0123456789abcdef"'
MODIFIED = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
FAR_ZONE = f"Mon, 01 Jan 2024 00:00:00 +{'9' * 30}"
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"

ranges = st.one_of(
    st.text(),
    st.builds("bytes={}-{}".format, st.integers(0), st.integers(0)),
    st.from_regex(r"(?i:bytes)=[ ,]*[0-9]*-[0-9]*(,[0-9]*-[0-9]*)*", fullmatch=True),
)
dates = st.one_of(
    st.text(),
    st.datetimes(timezones=st.just(UTC)).map(http_date),
    st.from_regex(
        r"Mon, [0-9]{1,3} (Jan|Foo) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3} ([+-][0-9]{1,30}|GMT|[A-Z]{1,4})",
        fullmatch=True,
    ),
)
headers = st.none() | dates | st.just(ETAG) | st.just(DATE)


def selected(header: str | None, *, length: int = 100, if_range: str | None = None) -> ByteRange | None:
    return select_range(header=header, if_range=if_range, length=length, etag=ETAG, modified=MODIFIED)


def not_modified(*, if_none_match: str | None = None, if_modified_since: str | None = None) -> bool:
    return is_not_modified(
        if_none_match=if_none_match, if_modified_since=if_modified_since, etag=ETAG, modified=MODIFIED
    )


class TestRanges:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("bytes=0-0", (0, 1)),
            ("bytes=0-99", (0, 100)),
            ("bytes=0-100", (0, 100)),
            ("bytes=0-999999999999999999", (0, 100)),
            ("bytes=99-", (99, 100)),
            ("bytes=-1", (99, 100)),
            ("bytes=-100", (0, 100)),
            ("bytes=-101", (0, 100)),
            ("Bytes=5-9", (5, 10)),
        ],
    )
    def test_one_range_is_selected(self, header: str, expected: tuple[int, int]) -> None:
        """Section 14.1.2: the last byte is in, a suffix counts from the end, what stands over is cut."""
        assert selected(header) == expected

    @pytest.mark.parametrize(
        "header",
        [
            None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=1-2-3", "bytes=1-0", "bytes=0-1,3-4",
            "lines=0-1", "bytes 0-1", "bytes=+1-2", "bytes=٣-٤", "bytes=0x1-2", "bytes=1 - 2",
        ],
    )  # fmt: skip
    def test_what_is_not_one_range_is_ignored(self, header: str | None) -> None:
        """Section 14.2 allows it."""
        assert selected(header) is None

    @pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999999-"])
    def test_a_range_without_a_byte_is_refused(self, header: str) -> None:
        """Section 15.5.17."""
        with pytest.raises(UnsatisfiableRange):
            selected(header)

    @pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-5"])
    def test_nothing_has_no_range(self, header: str) -> None:
        with pytest.raises(UnsatisfiableRange):
            selected(header, length=0)

    @pytest.mark.parametrize("if_range", [None, ETAG, DATE, "Sun, 01 Mar 2026 13:00:00 +0100"])
    def test_a_range_holds_for_these_bytes(self, if_range: str | None) -> None:
        """Section 13.1.5: the very tag, or the very date."""
        assert selected("bytes=1-2", if_range=if_range) == (1, 3)

    @pytest.mark.parametrize(
        "if_range",
        [f"W/{ETAG}", '"other"', "", "yesterday", "Sun, 01 Mar 2026 11:59:59 GMT", "Sun, 01 Mar 2026 12:00:01 GMT"],
    )
    def test_a_range_of_other_bytes_is_ignored(self, if_range: str) -> None:
        """A weak tag is no promise of equal bytes, and a later date is another date."""
        assert selected("bytes=1-2", if_range=if_range) is None
        assert selected("bytes=1000-", if_range=if_range) is None

    @example(header="bytes=0-1", if_range=FAR_ZONE, length=9)
    @given(header=st.none() | ranges, if_range=headers, length=st.integers(0, 10**12))
    def test_whatever_is_asked_for_lies_in_the_body(
        self, header: str | None, if_range: str | None, length: int
    ) -> None:
        """A part of at least a byte, the whole, or a refusal; never another exception."""
        try:
            found = selected(header, length=length, if_range=if_range)
        except UnsatisfiableRange:
            found = None

        assert found is None or 0 <= found.start < found.stop <= length

    @given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500))
    def test_what_is_selected_is_what_was_meant(self, first: int, last: int, length: int) -> None:
        """As a list of numbered bytes has it."""
        body = list(range(length))
        meant = [byte for byte in body if first <= byte <= last]

        try:
            found = selected(f"bytes={first}-{last}", length=length)
        except UnsatisfiableRange:
            assert meant == []
        else:
            assert last < first if found is None else body[found.start : found.stop] == meant


class TestNotModified:
    @pytest.mark.parametrize(
        "header", [ETAG, f"W/{ETAG}", "*", " * ", f'"a", {ETAG}', f'{ETAG},"a"', f'W/"a",W/{ETAG} ']
    )
    def test_a_tag_that_is_known_matches(self, header: str) -> None:
        """Section 13.1.2, by weak comparison."""
        assert matches_weakly(header, ETAG)
        assert not_modified(if_none_match=header)

    @pytest.mark.parametrize(
        "header", ["", '""', '"other"', ETAG[1:-1], ETAG.upper(), f"w/{ETAG}", '"*"', "**", f"{ETAG}x"]
    )
    def test_another_does_not(self, header: str) -> None:
        """Tags are compared as they stand, quotes and case included."""
        assert not matches_weakly(header, ETAG)
        assert not not_modified(if_none_match=header)

    @pytest.mark.parametrize(
        ("date", "expected"),
        [
            (DATE, True),
            ("Sun, 01 Mar 2026 12:00:01 GMT", True),
            ("Sun, 01 Mar 2026 11:59:59 GMT", False),
            ("Sunday, 01-Mar-26 12:00:00 GMT", True),
            ("Sun Mar  1 12:00:00 2026", True),
            ("Sun, 01 Mar 2026 12:00:00 -0000", True),
            ("Sun, 01 Mar 2026 12:00:00 +0100", False),
            ("yesterday", False),
            ("", False),
            ("Sun, 32 Mar 2026 12:00:00 GMT", False),
        ],
    )
    def test_a_date_is_compared_by_the_second(self, date: str, expected: bool) -> None:
        """Section 13.1.3, in the three forms of section 5.6.7; what is none is ignored."""
        assert not_modified(if_modified_since=date) is expected

    def test_a_tag_goes_before_a_date(self) -> None:
        """Section 13.2.2."""
        assert not not_modified(if_none_match='"other"', if_modified_since=DATE)
        assert not_modified(if_none_match=ETAG, if_modified_since="Sun, 06 Nov 1994 08:49:37 GMT")

    def test_without_a_condition_it_is_sent(self) -> None:
        assert not not_modified()

    @example(if_none_match=None, if_modified_since=FAR_ZONE)
    @given(if_none_match=st.none() | st.text(), if_modified_since=headers)
    def test_no_header_is_a_mistake_of_ours(self, if_none_match: str | None, if_modified_since: str | None) -> None:
        """True or False, never an exception."""
        assert not_modified(if_none_match=if_none_match, if_modified_since=if_modified_since) in (True, False)


class TestWithoutADate:
    """Of what stands in for better: only its tag names it."""

    @given(date=dates, length=st.integers(1, 1000))
    def test_no_date_matches(self, date: str, length: int) -> None:
        """Neither to keep what one has nor to go on with a part of it."""
        kept = is_not_modified(if_none_match=None, if_modified_since=date, etag=ETAG, modified=None)
        part = select_range(header="bytes=0-0", if_range=date, length=length, etag=ETAG, modified=None)

        assert not kept
        assert part is None or date == ETAG

    def test_its_tag_does(self) -> None:
        assert is_not_modified(if_none_match=ETAG, if_modified_since=None, etag=ETAG, modified=None)
        assert select_range(header="bytes=0-0", if_range=ETAG, length=9, etag=ETAG, modified=None) == (0, 1)


class TestDates:
    @given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year >= 1900))
    def test_what_is_written_matches_itself(self, moment: datetime) -> None:
        """Who sends Last-Modified back is told that nothing has changed; who sends a second less, that it has."""

        def since(header: str) -> bool:
            return is_not_modified(if_none_match=None, if_modified_since=header, etag=ETAG, modified=moment)

        assert since(http_date(moment))
        assert not since(http_date(moment - timedelta(seconds=1)))

    def test_the_form_is_that_of_http(self) -> None:
        """Section 5.6.7, whatever the zone."""
        assert http_date(MODIFIED) == DATE
