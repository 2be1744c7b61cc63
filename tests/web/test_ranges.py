"""Ranges and bodies of several of them: RFC 9110, section 14, as pure functions, for whatever a header may say."""

import email
from collections.abc import Sequence
from email.message import Message
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imgsvc.web.ranges import ByteRange, Multipart, UnsatisfiableRange, select_range, select_ranges

MANY = ",".join(f"{1000 * one}-{1000 * one}" for one in range(17))

headers = st.one_of(
    st.text(),
    st.builds("bytes={}-{}".format, st.integers(0), st.integers(0)),
    st.from_regex(r"(?i:bytes)=[ ,]*[0-9]{0,9}-[0-9]{0,9}( *,[0-9]{0,9}-[0-9]{0,9})*", fullmatch=True),
)
spans = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)).map(sorted), min_size=1, max_size=16)


class TestOne:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("bytes=0-0", (0, 1)),
            ("bytes=0-99", (0, 100)),
            ("bytes=0-100", (0, 100)),
            (f"bytes=0-{'9' * 5000}", (0, 100)),
            (f"bytes={'0' * 5000}1-2", (1, 3)),
            (f"bytes=-{'9' * 5000}", (0, 100)),
            ("bytes=99-", (99, 100)),
            ("bytes=-1", (99, 100)),
            ("bytes=-100", (0, 100)),
            ("bytes=-101", (0, 100)),
            ("Bytes=5-9", (5, 10)),
            ("bytes= 5-9 , ,", (5, 10)),
        ],
        ids=lambda given: str(given)[:30],
    )
    def test_one_range_is_selected(self, header: str, expected: tuple[int, int]) -> None:
        """Section 14.1.2: the last byte is in, a suffix counts from the end, what stands over is cut."""
        assert select_ranges(header, length=100) == [expected]
        assert select_range(header, length=100) == expected

    @pytest.mark.parametrize(
        "header",
        [
            None, "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=1-2-3", "bytes=1-0",
            "lines=0-1", "bytes 0-1", "bytes=+1-2", "bytes=٣-٤", "bytes=0x1-2", "bytes=1 - 2", "bytes=0-1,x",
            "bytes=0-1,5-4", "bytes=0-1;5-6", "bytes=0-1\n",
        ],
    )  # fmt: skip
    def test_what_cannot_be_meant_is_ignored(self, header: str | None) -> None:
        """As a whole, as section 14.2 allows."""
        assert not select_ranges(header, length=100)

    @pytest.mark.parametrize(
        "header", ["bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={'9' * 5000}-", "bytes=100-,200-300,-0"]
    )
    def test_a_range_without_a_byte_is_refused(self, header: str) -> None:
        """Section 15.5.17."""
        with pytest.raises(UnsatisfiableRange):
            select_ranges(header, length=100)

    @pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-5"])
    def test_nothing_has_no_range(self, header: str) -> None:
        with pytest.raises(UnsatisfiableRange):
            select_ranges(header, length=0)

    @given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 500))
    def test_what_is_selected_is_what_was_meant(self, first: int, last: int, length: int) -> None:
        """As a list of numbered bytes has it."""
        body = list(range(length))
        meant = [byte for byte in body if first <= byte <= last]

        try:
            found = select_range(f"bytes={first}-{last}", length=length)
        except UnsatisfiableRange:
            assert meant == []
        else:
            assert last < first if found is None else body[found.start : found.stop] == meant


class TestSeveral:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("bytes=0-99,500-599", [(0, 100), (500, 600)]),
            ("bytes=500-599,0-99", [(500, 600), (0, 100)]),
            ("bytes=0-99,-100", [(0, 100), (900, 1000)]),
            ("bytes=0-99,2000-,500-599", [(0, 100), (500, 600)]),
            ("bytes=0-99,50-149", [(0, 150)]),
            ("bytes=0-99,100-199", [(0, 200)]),
            ("bytes=0-99,120-199", [(0, 200)]),
            ("bytes=0-9,900-909,5-14", [(0, 15), (900, 910)]),
            ("bytes=900-909,0-9,300-399,100-899", [(0, 910)]),
            ("bytes=0-,0-,0-", [(0, 1000)]),
        ],
    )
    def test_they_are_kept_apart_where_that_is_shorter(self, header: str, expected: Sequence[tuple[int, int]]) -> None:
        """Section 15.3.7.2: in the order asked for; those that overlap or lie near each other are one."""
        assert select_ranges(header, length=1000) == expected

    def test_too_many_are_the_whole(self) -> None:
        """Section 14.2: small ranges in great number cost more than they are worth."""
        assert not select_ranges(f"bytes={MANY}", length=100_000)
        assert len(select_ranges(f"bytes={MANY.rpartition(',')[0]}", length=100_000)) == 16

    def test_who_can_be_sent_one_part_alone_is_sent_the_whole(self) -> None:
        assert select_range("bytes=0-0,500-500", length=1000) is None
        assert select_range("bytes=0-0,1-1", length=1000) == (0, 2)

    @example(header=f"bytes={MANY}", length=100_000)
    @given(header=st.none() | headers, length=st.integers(0, 10**12))
    def test_whatever_is_asked_for_lies_in_the_body(self, header: str | None, length: int) -> None:
        """Parts of at least a byte, none twice, or a refusal; never another exception."""
        try:
            found = sorted(select_ranges(header, length=length))
        except UnsatisfiableRange:
            found = []

        assert all(0 <= one.start < one.stop <= length for one in found)
        assert all(one.stop < two.start for one, two in pairwise(found))
        assert len(found) <= 16

    @given(spans, st.integers(1, 3000))
    def test_every_byte_that_was_asked_for_is_selected(self, asked: list[list[int]], length: int) -> None:
        header = "bytes=" + ",".join(f"{first}-{last}" for first, last in asked)
        meant = {byte for first, last in asked for byte in range(first, min(last + 1, length))}

        try:
            found = select_ranges(header, length=length)
        except UnsatisfiableRange:
            found = ()

        assert meant <= {byte for one in found for byte in range(*one)}
        assert bool(meant) is bool(found)


class TestMultipart:
    @given(st.lists(st.integers(0, 200), min_size=4, max_size=12, unique=True), st.binary(min_size=200, max_size=200))
    def test_who_reads_it_gets_the_bytes_of_each_range(self, edges: list[int], body: bytes) -> None:
        """Section 14.6, by Python's own reader of MIME; the length is that of all of it."""
        bounds = sorted(edges)[: len(edges) // 2 * 2]
        ranges = [ByteRange(start, stop) for start, stop in zip(bounds[::2], bounds[1::2], strict=True)]
        parts = Multipart(ranges=ranges, boundary="abc", media_type="image/png", whole=len(body))

        sent = b"".join(one if isinstance(one, bytes) else body[one.start : one.stop] for one in parts.pieces())

        assert parts.length == len(sent)
        read = list(read_parts(parts.content_type, sent))
        assert [part.get_payload(decode=True) for part in read] == [body[start:stop] for start, stop in ranges]
        assert [part["Content-Range"] for part in read] == [f"bytes {one}-{two - 1}/200" for one, two in ranges]
        assert {part["Content-Type"] for part in read} == {"image/png"}


def read_parts(content_type: str, content: bytes) -> Sequence[Message]:
    """Of a multipart body, as MIME has them. Line ends within the parts are left as they are."""
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + content)
    parts = message.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]
