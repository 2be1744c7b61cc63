"""URLs of originals: which are read, and into what."""

from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.origin.target import MAX_LENGTH, Target

READ = (
    ("http://shop.example/a.png", "shop.example", 80, "http://shop.example/a.png"),
    ("https://shop.example/a.png", "shop.example", 443, "https://shop.example/a.png"),
    ("HTTPS://Shop.EXAMPLE:443/A.png", "shop.example", 443, "https://shop.example/A.png"),
    ("http://shop.example:8080", "shop.example", 8080, "http://shop.example:8080"),
    ("http://shop.example:443/a", "shop.example", 443, "http://shop.example:443/a"),
    ("http://shop.example:65535/a", "shop.example", 65535, "http://shop.example:65535/a"),
    ("http://shop.example./a", "shop.example", 80, "http://shop.example/a"),
    ("http://shop.example/a?b=c#d", "shop.example", 80, "http://shop.example/a?b=c"),
    ("http://shop.example/é%20b", "shop.example", 80, "http://shop.example/%C3%A9%20b"),
    ("http://müller.example/a", "xn--mller-kva.example", 80, "http://xn--mller-kva.example/a"),
    ("http://dam_1/a", "dam_1", 80, "http://dam_1/a"),
    ("http://127.0.0.1/a", "127.0.0.1", 80, "http://127.0.0.1/a"),
    ("http://127。0。0。1/a", "127.0.0.1", 80, "http://127.0.0.1/a"),
    ("http://[0:0::1]:8080/a", "::1", 8080, "http://[::1]:8080/a"),
    ("http://[::FFFF:10.0.0.1]/a", "::ffff:a00:1", 80, "http://[::ffff:a00:1]/a"),
)

REFUSED = (
    ("", "nothing"),
    ("shop.example/a.png", "no scheme"),
    ("//shop.example/a.png", "no scheme"),
    ("/a.png", "no host"),
    ("http:///a.png", "no host"),
    ("http:a.png", "no host"),
    ("http:/shop.example/a.png", "no host"),
    ("http://./a", "no host"),
    ("file:///etc/passwd", "another scheme"),
    ("ftp://shop.example/a.png", "another scheme"),
    ("gopher://shop.example/a", "another scheme"),
    ("data:image/png;base64,AAAA", "another scheme"),
    ("http://user@shop.example/a", "user information"),
    ("http://user:secret@shop.example/a", "user information"),
    ("http://shop.example@127.0.0.1/a", "user information"),
    ("http://shop.example:0/a", "a port of nobody"),
    ("http://shop.example:22/a", "another protocol's port"),
    ("http://shop.example:25/a", "another protocol's port"),
    ("http://shop.example:1023/a", "another protocol's port"),
    ("http://shop.example:65536/a", "no port"),
    ("http://shop.example:-80/a", "no port"),
    ("http://shop.example:http/a", "no port"),
    ("http://shop.example/a b", "a space"),
    (" http://shop.example/a", "a space"),
    ("http://shop.example/a\u00a0b", "a space"),
    ("http://shop.example/a\r\nHost: b", "control characters"),
    ("http://shop.example/a\tb", "control characters"),
    ("http://shop.example/a\x00", "control characters"),
    ("http://shop.example/a\x85", "control characters"),
    ("http://shop.example/\ud800", "a lone surrogate"),
    ("http://shop.example\\@127.0.0.1/a", "a backslash"),
    ("http:\\\\shop.example\\a", "a backslash"),
    ("http://shop..example/a", "an empty label"),
    ("http://shop.example../a", "an empty label"),
    ("http://-shop.example/a", "a label with a hyphen first"),
    (f"http://{'a' * 64}.example/a", "a label of 64 characters"),
    (f"http://{'a.' * 127}a/a", "a name of 255 characters"),
    ("http://shop%2eexample/a", "a percent sign in the host"),
    ("http://127.0.0.1%00.shop.example/a", "a percent sign in the host"),
    ("http://sh*p.example/a", "a star in the host"),
    ("http://\uff11\uff12\uff17.0.0.1/a", "full-width digits"),
    ("http://0177.0.0.1/a", "octal digits"),
    ("http://0177.0.0.1./a", "octal digits"),
    ("http://256.0.0.1/a", "no address"),
    ("http://[::1/a", "no address"),
    ("http://[shop.example]/a", "no address"),
    ("http://[fe80::1%25eth0]/a", "a zone"),
    ("http://[fe80::1%eth0]/a", "a zone"),
    (f"http://shop.example/{'a' * MAX_LENGTH}", "too long"),
)

JOINED = (
    ("http://cdn.example/b.png", "http://cdn.example/b.png"),
    ("//cdn.example/b.png", "https://cdn.example/b.png"),
    ("/b.png", "https://shop.example/b.png"),
    ("b.png", "https://shop.example/a/b.png"),
    ("../b.png", "https://shop.example/b.png"),
    ("?size=2", "https://shop.example/a/shirt.png?size=2"),
)

UNJOINED = (
    "file:///etc/passwd",
    "javascript:alert(1)",
    "//user@cdn.example/",
    "/a b",
    "\\\\cdn.example\\",
    "http://[",
)

FILE_NAMES = (
    ("http://shop.example/a/shirt.png", "shirt.png"),
    ("http://shop.example/a/shirt.png?v=1/2", "shirt.png"),
    ("http://shop.example/a/red%20shirt%2F%E2%82%AC.png", "red shirt/€.png"),
    ("http://shop.example/a/%ff.png", "\N{REPLACEMENT CHARACTER}.png"),
    ("http://shop.example/a/", ""),
    ("http://shop.example", ""),
)


def is_refused(read: Callable[[], Target]) -> bool:
    try:
        read()
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(("text", "host", "port", "url"), READ)
def test_a_url_is_read_into_one_spelling(text: str, host: str, port: int, url: str) -> None:
    """What is checked and what is called is the same value."""
    target = Target.parse(text)

    assert (target.host, target.port, str(target.url)) == (host, port, url)


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_can_be_misread_is_refused(text: str, reason: str) -> None:
    """None of it is repaired."""
    assert is_refused(lambda: Target.parse(text))


@given(st.text() | st.text(alphabet="htps:/@[]%.\\#?19ax ").map("http://".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    """With a ValueError and nothing else; what is read once reads the same again."""
    with suppress(ValueError):
        target = Target.parse(text)

        assert Target.parse(str(target.url)) == target


@pytest.mark.parametrize(("reference", "url"), JOINED)
def test_a_location_is_read_from_where_it_was_said(reference: str, url: str) -> None:
    target = Target.parse("https://shop.example/a/shirt.png")

    assert str(target.join(reference).url) == url


@pytest.mark.parametrize("reference", UNJOINED)
def test_a_location_must_be_what_a_client_may_give(reference: str) -> None:
    target = Target.parse("https://shop.example/a/shirt.png")

    assert is_refused(lambda: target.join(reference))


@pytest.mark.parametrize(("text", "name"), FILE_NAMES)
def test_the_file_name_is_the_last_segment(text: str, name: str) -> None:
    """Cut off first and decoded then."""
    assert Target.parse(text).file_name == name


@pytest.mark.parametrize(
    ("address", "url"),
    [("192.0.2.1", "http://192.0.2.1:8080/a?b"), ("2001:db8::1", "http://[2001:db8::1]:8080/a?b")],
)
def test_it_is_called_by_address(address: str, url: str) -> None:
    """Port, path and query stay."""
    target = Target.parse("http://shop.example:8080/a?b")

    assert str(target.at(ip_address(address))) == url
