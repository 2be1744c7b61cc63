"""One file out of a form, however the network cuts it up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from imgsvc.core.errors import ImgsvcError, InvalidParameter, PayloadTooLarge
from imgsvc.storage.blobs import LocalBlobs
from imgsvc.web.uploads import spooled_upload

BOUNDARY = "----WebKitFormBoundaryABC"
LIMIT = 100_000

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""An event loop and a folder an example: how long that takes is the machine's affair."""

awkward = st.sampled_from(
    [
        b"",
        b"\r\n",
        b"--",
        b"\r\n--",
        b"\r\n--" + BOUNDARY[:-1].encode(),
        b"\n--" + BOUNDARY.encode(),
        b"\0",
        b"\xff" * 50,
    ]
)
contents = (
    st.lists(st.binary(max_size=200) | awkward, max_size=8)
    .map(b"".join)
    # A file with the delimiter in it needs another boundary (RFC 2046, 5.1.1); a client sees to that.
    .filter(lambda content: b"\r\n--" + BOUNDARY.encode() not in content)
)


class Uploaded(NamedTuple):
    """What came of it."""

    name: str
    data: bytes
    digest: str
    fields: Mapping[str, str]


def upload(chunks: Sequence[bytes], *, limit: int = LIMIT, disconnects: bool = False) -> Uploaded:
    """In a store of its own. Raises what `spooled_upload` raises, and asserts that nothing is left even then."""
    with TemporaryDirectory() as folder:
        try:
            return asyncio.run(_upload(Path(folder), chunks, limit=limit, disconnects=disconnects))
        finally:
            assert [path for path in Path(folder).rglob("*") if path.is_file()] == []


async def _upload(folder: Path, chunks: Sequence[bytes], *, limit: int, disconnects: bool) -> Uploaded:
    request = Request(
        {
            "type": "http",
            "method": "POST",
            "headers": [(b"content-type", f'multipart/form-data; boundary="{BOUNDARY}"'.encode())],
        },
        receive=_sending(chunks, disconnects=disconnects),
    )
    blobs = LocalBlobs(folder)
    async with spooled_upload(request, part="Filename", blobs=blobs, limit=limit) as upload:
        spooled = upload.spooled
        return Uploaded(upload.name, spooled.path.read_bytes(), spooled.digest, upload.fields)


def _sending(chunks: Sequence[bytes], *, disconnects: bool) -> Callable[[], Awaitable[Message]]:
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"} if disconnects else {"type": "http.request", "body": b""})
    left = iter(messages)

    async def receive() -> Message:
        return next(left)

    return receive


def form(*parts: tuple[str, bytes]) -> bytes:
    """Each by its disposition and its content."""
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n"
        f"Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for disposition, content in parts
    )
    return body + f"--{BOUNDARY}--\r\n".encode()


def file_part(content: bytes, *, name: str = "shirt.png") -> tuple[str, bytes]:
    return f'name="Filename"; filename="{name}"', content


@unhurried
@given(content=contents, cuts=st.lists(st.integers(0, 3000), max_size=30))
def test_any_chunking_gives_the_same_file(content: bytes, cuts: list[int]) -> None:
    """Boundaries, heads and line ends may be cut anywhere."""
    body = form(('name="comment"', b"hello"), file_part(content), ('name="submit"', b"Upload"))
    places = sorted({0, len(body), *(cut % len(body) for cut in cuts)})

    uploaded = upload([body[start:stop] for start, stop in pairwise(places)])

    assert uploaded.data == content
    assert uploaded.digest == sha256(content).hexdigest()
    assert uploaded.name == "shirt.png"


@unhurried
@given(content=contents)
def test_a_byte_at_a_time_gives_the_same_file(content: bytes) -> None:
    body = form(file_part(content))

    assert upload([body[at : at + 1] for at in range(len(body))]).data == content


@unhurried
@given(content=st.binary(max_size=300), kept=st.floats(0, 1, exclude_max=True))
def test_a_form_that_breaks_off_is_never_a_file(content: bytes, kept: float) -> None:
    """Up to the last hyphen of the closing boundary."""
    body = form(file_part(content)).removesuffix(b"\r\n")

    with pytest.raises(InvalidParameter):
        upload([body[: int(len(body) * kept)]])


@unhurried
@given(st.binary(max_size=400))
def test_rubbish_is_refused_and_no_mistake_of_ours(body: bytes) -> None:
    with pytest.raises(ImgsvcError):
        upload([body])


@unhurried
@given(st.binary(max_size=60), st.integers(0, 250), st.integers(0, 60))
def test_a_form_that_was_tampered_with_is_a_file_or_refused(rubbish: bytes, at: int, taken: int) -> None:
    """Whatever stands where: our own exceptions alone."""
    body = form(file_part(b"content" * 10))

    try:
        uploaded = upload([body[:at] + rubbish + body[at + taken :]])
    except ImgsvcError:
        return
    assert len(uploaded.data) <= len(body) + len(rubbish)


def test_a_client_that_leaves_leaves_nothing() -> None:
    """Not even where a part was written already."""
    body = form(file_part(bytes(90_000)))

    with pytest.raises(InvalidParameter):
        upload([body[:50_000]], disconnects=True)


@pytest.mark.parametrize("more", [0, 1])
def test_the_limit_is_of_the_file(more: int) -> None:
    """Not of the form around it; it holds within a chunk and over many."""
    content = bytes(5000 + more)
    body = form(('name="comment"', b"hello" * 100), file_part(content))
    for chunks in ([body], [body[at : at + 999] for at in range(0, len(body), 999)]):
        if more:
            with pytest.raises(PayloadTooLarge):
                upload(chunks, limit=5000)
        else:
            assert upload(chunks, limit=5000).data == content


def test_more_than_a_hop_is_written_in_order() -> None:
    """What is gathered for one thread hop is a mebibyte."""
    content = bytes(range(256)) * 20_000
    body = form(file_part(content))

    uploaded = upload([body[at : at + 70_001] for at in range(0, len(body), 70_001)], limit=10**7)

    assert uploaded.digest == sha256(content).hexdigest()


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [('name="Filename"', b"no file name")],
        [('name="file"; filename="a.png"', b"another part")],
        [('filename="a.png"', b"no part's name")],
        [('name="filename"; filename="a.png"', b"another case")],
        [file_part(b"one"), file_part(b"two")],
        [file_part(b"one"), ('name="other"; filename="b.png"', b"two")],
        [('name="comment"', bytes(20_000)), file_part(b"one")],
        [("name=" + "x" * 20_000, b"")],
    ],
    ids=["none", "a field", "another part", "no name", "case", "two", "two in two", "long field", "long head"],
)  # fmt: skip
def test_what_is_not_one_file_is_refused(parts: list[tuple[str, bytes]]) -> None:
    with pytest.raises(InvalidParameter):
        upload([form(*parts)])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", ""), ("Hemd, grün.png", "Hemd, grün.png"), ('a\\"b.png', 'a"b.png'), ("a;b.png", "a;b.png")],
)
def test_a_file_name_is_what_the_client_says(name: str, expected: str) -> None:
    """RFC 7578, section 4.2: UTF-8, quotes escaped; what to make of it is not decided here."""
    assert upload([form(file_part(b"x", name=name))]).name == expected


@unhurried
@given(first=st.text(max_size=40), second=st.text(max_size=40), cuts=st.lists(st.integers(0, 3000), max_size=30))
def test_what_is_no_file_is_a_field(first: str, second: str, cuts: list[int]) -> None:
    """Before and behind the file, in UTF-8, however the network cuts it up; of a name the last."""
    first, second = (text.encode("utf-8", "replace").decode() for text in (first, second))
    body = form(
        ('name="alt"', b"not this"),
        ('name="alt"', first.encode()),
        file_part(b"content"),
        ('name="Filename"', second.encode()),
    )
    places = sorted({0, len(body), *(cut % len(body) for cut in cuts)})

    uploaded = upload([body[start:stop] for start, stop in pairwise(places)])

    assert uploaded.fields == {"alt": first, "Filename": second}
    assert uploaded.data == b"content"


def test_without_fields_there_are_none() -> None:
    assert upload([form(file_part(b"content"))]).fields == {}


def test_a_field_that_is_no_utf8_is_read_as_far_as_it_goes() -> None:
    """What cannot be read is marked, and stands against nothing."""
    uploaded = upload([form(('name="alt"', b"gr\xfcn"), file_part(b"content"))])

    assert uploaded.fields == {"alt": "gr\ufffdn"}


def test_fields_are_bounded_together() -> None:
    """What is no file is little: 16 KiB with all heads."""
    many = [(f'name="field-{number}"', bytes(1000)) for number in range(20)]

    with pytest.raises(InvalidParameter):
        upload([form(*many, file_part(b"content"))])
