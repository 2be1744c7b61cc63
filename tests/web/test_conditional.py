"""Preconditions: RFC 9110 as pure functions, for whatever a header may say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from imgsvc.web.conditional import (
    Outcome,
    evaluate,
    exact_date,
    http_date,
    matches_strongly,
    matches_weakly,
    range_holds,
)

ETAG = '"0123456789abcdef0123456789abcdef"'
MODIFIED = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
FAR_ZONE = f"Mon, 01 Jan 2024 00:00:00 +{'9' * 30}"
DATE = "Sun, 01 Mar 2026 12:00:00 GMT"
EARLIER = "Sun, 01 Mar 2026 11:59:59 GMT"
LATER = "Sun, 01 Mar 2026 12:00:01 GMT"

tags = st.from_regex(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"', fullmatch=True)
dates = st.one_of(
    st.text(),
    st.datetimes(timezones=st.just(UTC)).map(http_date),
    st.from_regex(
        r"Mon, [0-9]{1,3} (Jan|Foo) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3} ([+-][0-9]{1,30}|GMT|[A-Z]{1,4})",
        fullmatch=True,
    ),
)
headers = st.none() | dates | tags | st.just(ETAG) | st.just(DATE)


def outcome(**sent: str | None) -> Outcome:
    """Of what was modified then. Header names with `_` for `-`."""
    return outcome_of(MODIFIED, **sent)


def outcome_of(modified: datetime | None, /, **sent: str | None) -> Outcome:
    given = {name.replace("_", "-").encode(): value for name, value in sent.items() if value is not None}
    return evaluate(given, etag=ETAG, modified=modified)


def not_modified(**sent: str | None) -> bool:
    return outcome(**sent) is Outcome.NOT_MODIFIED


class TestIfRange:
    @pytest.mark.parametrize("if_range", [None, ETAG, DATE, "Sun, 01 Mar 2026 13:00:00 +0100"])
    def test_a_range_holds_for_these_bytes(self, if_range: str | None) -> None:
        """Section 13.1.5: the very tag, or the very date."""
        assert range_holds(if_range, etag=ETAG, modified=MODIFIED)

    @pytest.mark.parametrize(
        "if_range", [f"W/{ETAG}", '"other"', "", "yesterday", "*", f"{ETAG}, {ETAG}", EARLIER, LATER]
    )
    def test_a_range_of_other_bytes_does_not(self, if_range: str) -> None:
        """A weak tag is no promise of equal bytes, a later date is another date, and there is one tag or none."""
        assert not range_holds(if_range, etag=ETAG, modified=MODIFIED)

    @example(if_range=FAR_ZONE)
    @given(if_range=headers)
    def test_no_header_is_a_mistake_of_ours(self, if_range: str | None) -> None:
        assert range_holds(if_range, etag=ETAG, modified=MODIFIED) in (True, False)


class TestPreconditions:
    """Section 13.2.2: which of several is asked first, and what follows."""

    @pytest.mark.parametrize("header", [ETAG, "*", f'"a", {ETAG}', f'W/"b",,{ETAG}'])
    def test_the_picture_that_is_meant_is_sent(self, header: str) -> None:
        """Section 13.1.1."""
        assert matches_strongly(header, ETAG)
        assert outcome(if_match=header) is Outcome.PROCEED

    @pytest.mark.parametrize("header", ['"a"', f"W/{ETAG}", "", ETAG[1:-1], f'"a, {ETAG[1:]}'])
    def test_another_than_is_meant_is_refused(self, header: str) -> None:
        """A weak tag matches nothing strongly."""
        assert not matches_strongly(header, ETAG)
        assert outcome(if_match=header) is Outcome.FAILED

    @pytest.mark.parametrize(
        ("date", "expected"),
        [(DATE, Outcome.PROCEED), (LATER, Outcome.PROCEED), (EARLIER, Outcome.FAILED), ("soon", Outcome.PROCEED)],
    )
    def test_what_was_modified_since_is_refused(self, date: str, expected: Outcome) -> None:
        """Section 13.1.4; what is no date is ignored."""
        assert outcome(if_unmodified_since=date) is expected

    def test_a_refusal_goes_before_not_modified(self) -> None:
        assert outcome(if_match='"other"', if_none_match=ETAG) is Outcome.FAILED
        assert outcome(if_unmodified_since=EARLIER, if_none_match=ETAG) is Outcome.FAILED
        assert outcome(if_match=ETAG, if_none_match=ETAG) is Outcome.NOT_MODIFIED

    def test_a_tag_goes_before_a_date(self) -> None:
        """For both kinds of precondition."""
        assert outcome(if_match=ETAG, if_unmodified_since=EARLIER) is Outcome.PROCEED
        assert outcome(if_match='"other"', if_unmodified_since=LATER) is Outcome.FAILED
        assert outcome(if_none_match='"other"', if_modified_since=DATE) is Outcome.PROCEED
        assert outcome(if_none_match=ETAG, if_modified_since=EARLIER) is Outcome.NOT_MODIFIED


class TestNotModified:
    @pytest.mark.parametrize(
        "header",
        [
            ETAG, f"W/{ETAG}", "*", " * ", f'"a", {ETAG}', f'{ETAG},"a"', f'W/"a",W/{ETAG} ', f', ,{ETAG},',
            f'"one,two" , {ETAG}', f'"W/\\", {ETAG}',
        ],
    )  # fmt: skip
    def test_a_tag_that_is_known_matches(self, header: str) -> None:
        """Section 13.1.2, by weak comparison."""
        assert matches_weakly(header, ETAG)
        assert not_modified(if_none_match=header)

    @pytest.mark.parametrize(
        "header",
        [
            "", '""', '"other"', ETAG[1:-1], ETAG.upper(), f"w/{ETAG}", '"*"', "**", f"{ETAG}x",
            f'"a {ETAG}', f'"one, {ETAG[1:-1]}, two"', f'{ETAG} "a"', f'*, {ETAG}', f'W/ {ETAG}',
        ],
    )  # fmt: skip
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

    def test_without_a_condition_it_is_sent(self) -> None:
        assert not not_modified()

    @example(if_none_match=None, if_modified_since=FAR_ZONE)
    @given(if_none_match=st.none() | st.text() | tags, if_modified_since=headers)
    def test_no_header_is_a_mistake_of_ours(self, if_none_match: str | None, if_modified_since: str | None) -> None:
        """True or False, never an exception."""
        assert not_modified(if_none_match=if_none_match, if_modified_since=if_modified_since) in (True, False)


class TestWithoutADate:
    """Of renditions: their tag alone names their bytes."""

    @given(date=dates)
    def test_no_date_matches(self, date: str) -> None:
        """Neither to keep what one has, nor to be refused, nor to go on with a part of it."""
        found = outcome_of(None, if_modified_since=date, if_unmodified_since=date)

        assert found is Outcome.PROCEED
        assert not range_holds(date, etag=ETAG, modified=None) or date == ETAG

    def test_its_tag_does(self) -> None:
        assert outcome_of(None, if_none_match=ETAG) is Outcome.NOT_MODIFIED
        assert range_holds(ETAG, etag=ETAG, modified=None)


class TestDates:
    @given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year >= 1900))
    def test_what_is_written_matches_itself(self, moment: datetime) -> None:
        """Who sends Last-Modified back is told that nothing has changed; who sends a second less, that it has."""

        def since(header: str) -> bool:
            return outcome_of(moment, if_modified_since=header) is Outcome.NOT_MODIFIED

        assert since(http_date(moment))
        assert not since(http_date(moment - timedelta(seconds=1)))

    def test_the_form_is_that_of_http(self) -> None:
        """Section 5.6.7, whatever the zone."""
        assert http_date(MODIFIED) == DATE

    @given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(0), timedelta(seconds=3)))
    def test_a_date_is_told_once_its_second_is_over(self, modified: datetime, later: timedelta) -> None:
        """Section 8.8.2.2: what is told in a second can then not be told of what follows in it."""
        assume(modified.year < 9999)
        now = modified + later
        is_over = now.replace(microsecond=0) > modified.replace(microsecond=0)

        assert exact_date(modified, now=now) == (modified.replace(microsecond=0) if is_over else None)
