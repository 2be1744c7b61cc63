"""Originals from other servers: what is called, under which name, and what is kept."""

import asyncio
import socket
from collections.abc import Generator, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from imgsvc.core.errors import InvalidParameter, OriginCause, OriginFailure, PayloadTooLarge
from imgsvc.origin.fetch import Origin, resolve_name
from imgsvc.origin.guard import AddressGuard
from tests.origin.fetching import INTRANET, LIMIT, PUBLIC, failure, fetch
from tests.origin.loopback import (
    PICTURE,
    Certificate,
    FakeResolver,
    http,
    make_certificate,
    redirect,
    says_and_leaves,
    serving,
)

pytestmark = pytest.mark.anyio

SHORT = 0.3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("shop"), "DNS:shop.example")


@pytest.fixture
def events() -> Generator[Sequence[MutableMapping[str, Any]]]:
    """What is logged, however a test before has configured it."""
    before = structlog.get_config()
    structlog.reset_defaults()
    with capture_logs() as logged:
        yield logged
    structlog.configure(**before)


async def test_a_file_is_fetched_as_it_is() -> None:
    async with serving({"/a/red%20shirt.png?v=1": http()}) as shop:
        fetched = await fetch(shop.url("/a/red%20shirt.png?v=1"))

    assert fetched == ("red shirt.png", PICTURE)


async def test_the_request_says_who_asks_and_nothing_else() -> None:
    """The name is kept, though the address is called; the answer is wanted as it is."""
    async with serving({"/a?b=c": http()}) as shop:
        await fetch(shop.url("/a?b=c#d"))

    lines = shop.heads[0].splitlines()
    assert lines[0] == "GET /a?b=c HTTP/1.1"
    assert {line.partition(":")[0].lower() for line in lines[1:] if line} == {
        "host", "user-agent", "accept", "accept-encoding", "connection",
    }  # fmt: skip
    assert shop.header("host") == [f"shop.example:{shop.port}"]
    assert shop.header("accept") == ["*/*"]
    assert shop.header("accept-encoding") == ["identity"]
    (agent,) = shop.header("user-agent")
    assert agent is not None
    assert agent.startswith("imgsvc/")


@pytest.mark.parametrize("url", ["", "shop.example/a.png", "file:///etc/passwd", "http://user:secret@shop.example/"])
async def test_a_url_that_cannot_be_meant_is_the_callers_mistake(url: str) -> None:
    """By the name of the parameter; nobody is asked for anything."""
    resolver = FakeResolver()

    with pytest.raises(InvalidParameter, match="remotePath must be an http or https URL") as raised:
        await fetch(url, resolve=resolver)

    assert raised.value.name == "remotePath"
    assert resolver.asked == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1.", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "127。0。0。1", "0",
     "localhost", "LOCALHOST.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::]"],
)  # fmt: skip
async def test_no_spelling_of_loopback_gets_round_the_guard(host: str) -> None:
    """What the system's resolver makes of it is what is judged; the server never hears of it."""
    async with serving({"/a": http()}) as shop:
        failed = await failure(shop.url("/a", host=host), guard=PUBLIC, resolve=resolve_name)

    assert failed.cause is OriginCause.ADDRESS_NOT_ALLOWED
    assert shop.connections == 0


async def test_loopback_may_be_opened() -> None:
    """By the operator, for a DAM on the same machine."""
    async with serving({"/a": http()}) as shop:
        _, body = await fetch(shop.url("/a", host="127.0.0.1"), resolve=resolve_name)

    assert body == PICTURE


@pytest.mark.parametrize("addresses", [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["127.0.0.1", "not one"]])
async def test_one_forbidden_address_refuses_a_name(addresses: list[str]) -> None:
    """Public ones beside it do not help."""
    async with serving({"/a": http()}) as shop:
        failed = await failure(shop.url("/a"), guard=PUBLIC, resolve=FakeResolver(names={"shop.example": [addresses]}))

    assert failed.cause is OriginCause.ADDRESS_NOT_ALLOWED
    assert shop.connections == 0


async def test_metadata_is_never_called() -> None:
    """Not by an intranet's name either."""
    resolver = FakeResolver(names={"shop.example": [["169.254.169.254"]]})

    failed = await failure("http://shop.example/latest/meta-data", resolve=resolver)

    assert failed.cause is OriginCause.ADDRESS_NOT_ALLOWED


async def test_a_name_is_resolved_once() -> None:
    """What was checked is called: a second answer (DNS rebinding) is never asked for."""
    resolver = FakeResolver(names={"shop.example": [["127.0.0.1"], ["169.254.169.254"]]})
    async with serving({"/a": http()}) as shop:
        _, body = await fetch(shop.url("/a"), resolve=resolver)

    assert body == PICTURE
    assert resolver.asked == ["shop.example"]


async def test_a_redirect_is_resolved_anew_and_judged_anew() -> None:
    """An answer that has changed by then is refused."""
    resolver = FakeResolver(names={"shop.example": [["127.0.0.1"], ["169.254.169.254"]]})
    async with serving({"/a": redirect("/b"), "/b": http()}) as shop:
        failed = await failure(shop.url("/a"), resolve=resolver)

    assert failed.cause is OriginCause.ADDRESS_NOT_ALLOWED
    assert resolver.asked == ["shop.example", "shop.example"]
    assert shop.connections == 1


async def test_a_host_that_is_not_listed_is_not_even_resolved() -> None:
    resolver = FakeResolver()

    failed = await failure(
        "http://evil.example/a", guard=AddressGuard(allowed_hosts=("shop.example",), private=True), resolve=resolver
    )

    assert failed.cause is OriginCause.HOST_NOT_ALLOWED
    assert resolver.asked == []


async def test_a_listed_host_may_not_redirect_to_another() -> None:
    guard = AddressGuard(allowed_hosts=("shop.example",), private=True)
    async with serving({"/b": http()}) as evil, serving({"/a": redirect(evil.url("/b", host="evil.example"))}) as shop:
        failed = await failure(shop.url("/a"), guard=guard)

    assert failed.cause is OriginCause.HOST_NOT_ALLOWED
    assert "evil" not in failed.detail
    assert evil.connections == 0


@pytest.mark.parametrize("error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")])
async def test_a_name_that_nobody_knows_is_told(error: Exception) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise error

    failed = await failure("http://nowhere.example/a", resolve=resolve)

    assert failed.cause is OriginCause.NAME_NOT_RESOLVED
    assert failed.__cause__ is error
    assert "known" not in failed.detail


async def test_a_name_without_addresses_is_told() -> None:
    failed = await failure("http://nowhere.example/a", resolve=FakeResolver(names={"nowhere.example": [[]]}))

    assert failed.cause is OriginCause.NAME_NOT_RESOLVED


async def test_the_next_address_is_tried() -> None:
    """All were checked before the first was called."""
    resolver = FakeResolver(names={"shop.example": [["127.0.0.2", "127.0.0.3", "127.0.0.1"]]})
    async with serving({"/a": http()}) as shop:
        _, body = await fetch(shop.url("/a"), resolve=resolver)

    assert body == PICTURE


async def test_no_more_than_four_addresses_are_tried() -> None:
    """A name may have thousands."""
    resolver = FakeResolver(names={"shop.example": [[f"127.0.0.{last}" for last in (2, 3, 4, 5, 1)]]})
    async with serving({"/a": http()}) as shop:
        failed = await failure(shop.url("/a"), resolve=resolver)

    assert failed.cause is OriginCause.UNREACHABLE
    assert shop.connections == 0


async def test_a_mapped_address_is_called_as_ipv4() -> None:
    resolver = FakeResolver(names={"shop.example": [["::ffff:127.0.0.1"]]})
    async with serving({"/a": http()}) as shop:
        _, body = await fetch(shop.url("/a"), resolve=resolver)

    assert body == PICTURE


async def test_a_server_that_is_not_there_is_told() -> None:
    """By its name, and by nothing that was found out about it."""
    async with serving({}) as shop:
        url = shop.url("/a")

    failed = await failure(url)

    assert failed.cause is OriginCause.UNREACHABLE
    assert failed.detail == "shop.example could not be reached."


async def test_a_redirect_to_a_forbidden_address_is_not_followed() -> None:
    """Not even where it would be answered: Linux takes 0.0.0.0 for this machine."""
    resolver = FakeResolver(names={"inner.example": [["0.0.0.0"]]})
    async with serving({"/b": http()}) as inner:
        location = inner.url("/b", host="inner.example")
        async with serving({"/a": redirect(location)}) as shop:
            failed = await failure(shop.url("/a"), resolve=resolver)

    assert failed.cause is OriginCause.ADDRESS_NOT_ALLOWED
    assert "inner" not in failed.detail
    assert inner.connections == 0


async def test_a_resolver_that_does_not_answer_is_left_at_the_deadline() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    failed = await failure("http://shop.example/a", resolve=resolve, deadline=SHORT)

    assert failed.cause is OriginCause.TIMEOUT


async def test_the_connection_is_closed_when_the_file_was_read() -> None:
    """Before anything else is done with the file."""
    async with serving({"/a": http()}) as shop, Origin(guard=INTRANET, deadline=30, resolve=FakeResolver()) as origin:
        async with origin.open(shop.url("/a"), name="remotePath", limit=LIMIT) as fetching:
            assert b"".join([chunk async for chunk in fetching.chunks]) == PICTURE

        await shop.until_left()


async def test_the_connection_is_closed_when_the_file_was_not_read() -> None:
    """Nor are its chunks then to be had."""
    async with (
        serving({"/a": http(PICTURE, Content_Length="5000")}) as shop,
        Origin(guard=INTRANET, deadline=30, resolve=FakeResolver()) as origin,
    ):
        async with origin.open(shop.url("/a"), name="remotePath", limit=LIMIT) as fetching:
            pass

        await shop.until_left()
        assert [chunk async for chunk in fetching.chunks] == []


async def test_cancelling_closes_the_connection() -> None:
    async with serving({"/a": http(PICTURE, Content_Length="5000")}) as shop:
        asked = asyncio.create_task(fetch(shop.url("/a")))
        await shop.asked.wait()

        asked.cancel()

        with pytest.raises(asyncio.CancelledError):
            await asked
        await shop.until_left()


async def test_nothing_is_kept_from_one_request_to_the_next() -> None:
    """Neither cookies nor credentials, within a chain of redirects or after it; each has a connection of its own."""
    cookie = "session=secret"
    async with (
        serving({"/a": redirect("/b", Set_Cookie=cookie), "/b": http(Set_Cookie=cookie)}) as shop,
        Origin(guard=INTRANET, deadline=30, resolve=FakeResolver()) as origin,
    ):
        for _ in range(2):
            async with origin.open(shop.url("/a"), name="remotePath", limit=LIMIT) as fetching:
                assert b"".join([chunk async for chunk in fetching.chunks]) == PICTURE

    assert len(shop.heads) == shop.connections == 4
    assert shop.header("cookie") == [None] * 4
    assert shop.header("referer") == [None] * 4


async def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A proxy would resolve the name for itself, and credentials are not this caller's."""
    (tmp_path / ".netrc").write_text("machine shop.example login user password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    async with serving({}) as proxy, serving({"/a": http()}) as shop:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        _, body = await fetch(shop.url("/a"))

    assert body == PICTURE
    assert proxy.connections == 0
    assert shop.header("authorization") == [None]


async def test_fetches_do_not_wait_for_each_other() -> None:
    """Two at once, each half-read when the other begins."""
    async with (
        serving({"/a": http(), "/b": http()}) as shop,
        Origin(guard=INTRANET, deadline=30, resolve=FakeResolver()) as origin,
        origin.open(shop.url("/a"), name="remotePath", limit=LIMIT) as first,
        origin.open(shop.url("/b"), name="remotePath", limit=LIMIT) as second,
    ):
        bodies = [b"".join([chunk async for chunk in fetching.chunks]) for fetching in (second, first)]

    assert bodies == [PICTURE, PICTURE]


async def test_a_certificate_is_the_names(certificate: Certificate) -> None:
    """Though the address is called: SNI and Host are the name, too."""
    async with serving({"/a": http()}, tls=certificate.server()) as shop:
        _, body = await fetch(shop.url("/a", scheme="https"), verify=certificate.trusted())

    assert body == PICTURE
    assert shop.server_names == ["shop.example"]
    assert shop.header("host") == [f"shop.example:{shop.port}"]


async def test_a_trailing_dot_is_no_other_name(certificate: Certificate) -> None:
    async with serving({"/a": http()}, tls=certificate.server()) as shop:
        url = shop.url("/a", scheme="https", host="shop.example.")
        _, body = await fetch(url, verify=certificate.trusted())

    assert body == PICTURE
    assert shop.server_names == ["shop.example"]


async def test_another_names_certificate_is_refused(certificate: Certificate) -> None:
    """No request is sent, and no other address tried."""
    resolver = FakeResolver(names={"other.example": [["127.0.0.1", "127.0.0.1"]]})
    async with serving({"/a": http()}, tls=certificate.server()) as shop:
        url = shop.url("/a", scheme="https", host="other.example")
        failed = await failure(url, verify=certificate.trusted(), resolve=resolver)

    assert failed.cause is OriginCause.TLS
    assert failed.detail == "other.example offers no connection that can be trusted."
    assert shop.heads == []
    assert shop.server_names == ["other.example"]


async def test_an_addresss_certificate_is_not_the_names(tmp_path: Path) -> None:
    """That the address is called does not make it what is verified."""
    certificate = make_certificate(tmp_path, "IP:127.0.0.1")
    async with serving({"/a": http()}, tls=certificate.server()) as shop:
        failed = await failure(shop.url("/a", scheme="https"), verify=certificate.trusted())
        _, body = await fetch(shop.url("/a", scheme="https", host="127.0.0.1"), verify=certificate.trusted())

    assert failed.cause is OriginCause.TLS
    assert body == PICTURE


async def test_a_connection_is_not_used_for_another_name(certificate: Certificate) -> None:
    """Of the same address: its certificate was looked at for the first name alone."""
    async with (
        serving({"/a": http()}, tls=certificate.server()) as shop,
        Origin(guard=INTRANET, deadline=30, resolve=FakeResolver(), verify=certificate.trusted()) as origin,
    ):
        url = shop.url("/a", scheme="https")
        async with origin.open(url, name="remotePath", limit=LIMIT) as fetching:
            assert b"".join([chunk async for chunk in fetching.chunks]) == PICTURE
            other = shop.url("/a", scheme="https", host="other.example")
            with pytest.raises(OriginFailure) as raised:
                async with origin.open(other, name="remotePath", limit=LIMIT):
                    pytest.fail("it was opened")

    assert raised.value.cause is OriginCause.TLS
    assert len(shop.heads) == 1


async def test_a_certificate_of_nobody_known_is_refused(certificate: Certificate) -> None:
    """By default, the authorities that httpx brings are asked."""
    async with serving({"/a": http()}, tls=certificate.server()) as shop:
        failed = await failure(shop.url("/a", scheme="https"))

    assert failed.cause is OriginCause.TLS
    assert shop.heads == []


async def test_a_server_without_tls_is_not_spoken_to_in_plain() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http())
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        failed = await failure(f"https://shop.example:{port}/a")

    assert failed.cause is OriginCause.TLS


async def test_a_redirect_may_not_give_up_tls(certificate: Certificate) -> None:
    """What was asked for in private is not fetched in public."""
    async with serving({"/b": http()}) as plain:
        answers = {"/a": redirect(plain.url("/b"))}
        async with serving(answers, tls=certificate.server()) as shop:
            failed = await failure(shop.url("/a", scheme="https"), verify=certificate.trusted())

    assert failed.cause is OriginCause.REDIRECT
    assert plain.connections == 0


async def test_a_redirect_may_take_tls_up(certificate: Certificate) -> None:
    async with (
        serving({"/b": http()}, tls=certificate.server()) as secure,
        serving({"/a": redirect(secure.url("/b", scheme="https"))}) as shop,
    ):
        _, body = await fetch(shop.url("/a"), verify=certificate.trusted())

    assert body == PICTURE


async def test_a_long_host_is_cut_in_what_is_told() -> None:
    host = ".".join(["a" * 50] * 4)

    failed = await failure(f"http://{host}/a", resolve=FakeResolver(names={host: [[]]}))

    assert failed.detail.startswith(f"{host[:60]} has")


async def test_a_fetch_is_one_event(events: Sequence[MutableMapping[str, Any]]) -> None:
    """However many redirects it takes."""
    async with serving({"/a": redirect("/b"), "/b": http()}) as shop:
        await fetch(shop.url("/a"))

    (event,) = events
    assert (event["event"], event["host"], event["length"]) == ("origin.fetched", "shop.example", len(PICTURE))
    assert event["seconds"] >= 0


async def test_a_failed_fetch_is_one_event(events: Sequence[MutableMapping[str, Any]]) -> None:
    """With what the library said, which the caller is not told."""
    async with serving({"/a": says_and_leaves(http(PICTURE, Content_Length="5000"))}) as shop:
        await failure(shop.url("/a"))

    (event,) = events
    assert (event["event"], event["host"], event["outcome"]) == ("origin.failed", "shop.example", "protocol")
    assert "peer closed" in event["words"]


async def test_a_file_too_large_is_one_event(events: Sequence[MutableMapping[str, Any]]) -> None:
    async with serving({"/a": http()}) as shop:
        with pytest.raises(PayloadTooLarge):
            await fetch(shop.url("/a"), limit=10)

    (event,) = events
    assert (event["event"], event["outcome"]) == ("origin.failed", "PayloadTooLarge")
