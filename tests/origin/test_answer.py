"""What other servers answer: lengths, redirects, failures, endlessness."""

import asyncio

import pytest

from imgsvc.core.errors import OriginCause, OriginFailure, PayloadTooLarge
from imgsvc.origin.fetch import Origin
from tests.origin.fetching import INTRANET, LIMIT, failure, fetch
from tests.origin.loopback import (
    PICTURE,
    FakeResolver,
    chunked,
    http,
    redirect,
    says_and_leaves,
    says_for_ever,
    serving,
)

pytestmark = pytest.mark.anyio

ENDLESS = 1 << 50
SHORT = 0.3


@pytest.mark.parametrize(
    "data",
    [
        chunked(PICTURE[:7], PICTURE[7:]),
        b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1032, 1032\r\nContent-Length: 1032\r\n\r\n" + PICTURE,
        http(Content_Encoding="identity"),
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + http(),
    ],
)
async def test_lengths_may_be_told_in_any_way(data: bytes) -> None:
    """Of HTTP's (RFC 9112, section 6.3)."""
    async with serving({"/a": says_and_leaves(data)}) as shop:
        _, body = await fetch(shop.url("/a"))

    assert body == PICTURE


async def test_chunks_are_64_kib() -> None:
    """However they came."""
    body = bytes(150_000)
    async with (
        serving({"/a": chunked(*(body[start : start + 1000] for start in range(0, len(body), 1000)))}) as shop,
        Origin(guard=INTRANET, deadline=30, resolve=FakeResolver()) as origin,
        origin.open(shop.url("/a"), name="remotePath", limit=LIMIT) as fetching,
    ):
        lengths = [len(chunk) async for chunk in fetching.chunks]

    assert lengths == [65536, 65536, 150_000 - 2 * 65536]


async def test_an_empty_body_has_no_chunks() -> None:
    async with serving({"/a": http(b"")}) as shop:
        assert await fetch(shop.url("/a")) == ("a", b"")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirects_are_followed(status: str) -> None:
    """To another host, too; the file keeps the name under which it was asked for."""
    async with serving({"/c/d.png": http()}) as cdn:
        location = cdn.url("/c/d.png", host="cdn.example")
        async with serving({"/a/b.png": redirect(location, status)}) as shop:
            fetched = await fetch(shop.url("/a/b.png"))

    assert fetched == ("b.png", PICTURE)
    assert cdn.header("host") == [f"cdn.example:{cdn.port}"]


@pytest.mark.parametrize("location", ["/a/d.png", "d.png", "./d.png", "../a/d.png"])
async def test_a_redirect_may_be_relative(location: str) -> None:
    async with serving({"/a/b.png": redirect(location), "/a/d.png": http()}) as shop:
        _, body = await fetch(shop.url("/a/b.png"))

    assert body == PICTURE


async def test_five_redirects_are_followed() -> None:
    answers = {f"/{count}": redirect(f"/{count + 1}") for count in range(5)} | {"/5": http()}
    async with serving(answers) as shop:
        _, body = await fetch(shop.url("/0"))

    assert body == PICTURE


async def test_six_redirects_are_not() -> None:
    answers = {f"/{count}": redirect(f"/{count + 1}") for count in range(6)} | {"/6": http()}
    async with serving(answers) as shop:
        failed = await failure(shop.url("/0"))

    assert failed.cause is OriginCause.REDIRECT
    assert len(shop.heads) == 6


async def test_a_circle_of_redirects_ends() -> None:
    async with serving({"/a": redirect("/b"), "/b": redirect("/a")}) as shop:
        failed = await failure(shop.url("/a"))

    assert failed.cause is OriginCause.REDIRECT


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://cdn.example/a",
        "//user@cdn.example/",
        "http://cdn.example:22/",
        "http://[::1",
        "/a b",
    ],
)
async def test_a_redirect_to_what_is_not_called_is_told(location: str) -> None:
    """Without saying to what."""
    async with serving({"/a": redirect(location)}) as shop:
        failed = await failure(shop.url("/a"))

    assert failed.cause is OriginCause.REDIRECT
    assert failed.detail == "shop.example redirects to what is no http or https URL."


@pytest.mark.parametrize("answer", [http(b"", "302 Found"), redirect("")])
async def test_a_redirect_to_nowhere_is_told(answer: bytes) -> None:
    async with serving({"/a": answer}) as shop:
        failed = await failure(shop.url("/a"))

    assert failed.cause is OriginCause.REDIRECT


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oh", "204 No Content", "206 Partial Content", "304 Same"])
async def test_no_other_answer_than_200_is_taken(status: str) -> None:
    """Nothing of what it says is passed on."""
    async with serving({"/a": http(b"secret", status, X_Secret="secret")}) as shop:
        failed = await failure(shop.url("/a"))

    assert failed.cause is OriginCause.STATUS
    assert failed.detail == f"shop.example answered {status[:3]}."


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "GZIP"])
async def test_an_encoding_that_was_not_asked_for_is_refused(encoding: str) -> None:
    """It might decode to any number of bytes."""
    async with serving({"/a": http(Content_Encoding=encoding)}) as shop:
        failed = await failure(shop.url("/a"))

    assert failed.cause is OriginCause.PROTOCOL


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 20\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PICTURE,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
    ],
    ids=[
        "ssh",
        "nothing",
        "half a head",
        "two lengths",
        "negative",
        "huge",
        "coding",
        "long head",
        "cut",
        "open",
        "odd",
    ],
)
async def test_an_answer_that_is_not_whole_http_is_told(data: bytes) -> None:
    """None of its words."""
    async with serving({"/a": says_and_leaves(data)}) as shop:
        failed = await failure(shop.url("/a"))

    assert failed.cause is OriginCause.PROTOCOL
    assert failed.detail == "shop.example gave no complete HTTP answer."


async def test_a_file_that_says_it_is_too_large_is_refused_at_once() -> None:
    """Its body is never waited for."""
    head = http(b"", Content_Length=str(LIMIT + 1))
    async with serving({"/a": head}) as shop:
        with pytest.raises(PayloadTooLarge, match="1000000 bytes"):
            await fetch(shop.url("/a"))


async def test_a_file_that_does_not_say_so_is_cut_off() -> None:
    """Nothing beyond the limit is handed on."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    part = b"%x\r\n%s\r\n" % (10_000, bytes(10_000))
    async with (
        serving({"/a": says_for_ever(head, part)}) as shop,
        Origin(guard=INTRANET, deadline=30, resolve=FakeResolver()) as origin,
        origin.open(shop.url("/a"), name="remotePath", limit=LIMIT) as fetching,
    ):
        for _ in range(LIMIT // 65536):
            await anext(fetching.chunks)

        with pytest.raises(PayloadTooLarge, match="1000000 bytes"):
            await anext(fetching.chunks)


@pytest.mark.parametrize("data", [http(bytes(LIMIT)), chunked(bytes(LIMIT))])
async def test_as_much_as_allowed_is_taken(data: bytes) -> None:
    async with serving({"/a": data}) as shop:
        _, body = await fetch(shop.url("/a"))

    assert len(body) == LIMIT


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/1.1 200 OK\r\n", http(PICTURE, Content_Length="5000"), redirect("/stops")],
    ids=["no answer", "half a head", "half a body", "redirect"],
)
async def test_a_server_that_stops_is_left_at_the_deadline(data: bytes) -> None:
    """Wherever it stops; after a redirect as well."""
    async with serving({"/a": data, "/stops": b""}) as shop:
        failed = await failure(shop.url("/a"), deadline=SHORT)

    assert failed.cause is OriginCause.TIMEOUT


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
    ids=["chunks", "bytes", "hints"],
)
async def test_a_server_that_never_ends_is_left_at_the_deadline(head: bytes, part: bytes) -> None:
    """Though it never pauses."""
    async with serving({"/a": says_for_ever(head, part)}) as shop:
        failed = await failure(shop.url("/a"), deadline=SHORT, limit=ENDLESS)

    assert failed.cause is OriginCause.TIMEOUT


async def test_the_readers_pauses_count() -> None:
    """Whoever reads slowly holds the connection just as long."""
    loop = asyncio.get_running_loop()
    async with (
        serving({"/a": http(bytes(100_000), Content_Length="200000")}) as shop,
        Origin(guard=INTRANET, deadline=SHORT, resolve=FakeResolver()) as origin,
        origin.open(shop.url("/a"), name="remotePath", limit=LIMIT) as fetching,
    ):
        await anext(fetching.chunks)
        deadline = loop.time() + SHORT
        while loop.time() < deadline:
            await asyncio.sleep(0)

        with pytest.raises(OriginFailure) as raised:
            await anext(fetching.chunks)

    assert raised.value.cause is OriginCause.TIMEOUT


async def test_the_readers_own_failure_stays_its_own() -> None:
    """A full disk is not the other server's fault."""
    async with serving({"/a": http()}) as shop, Origin(guard=INTRANET, deadline=30, resolve=FakeResolver()) as origin:
        with pytest.raises(OSError, match="disk full"):
            async with origin.open(shop.url("/a"), name="remotePath", limit=LIMIT):
                raise OSError("disk full")

        await shop.until_left()
