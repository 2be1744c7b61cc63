"""Connections as strangers make them: malformed, oversized, slow, many. Each ends in a bounded time, and in an answer

that says why where there is somebody to say it to. The bounds are short here.
"""

import json
import re
import socket
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests import originals
from tests.servers import TOKEN, Service, poll, serving

YEAR = "public, max-age=31536000, immutable"
HOST = b"Host: x\r\n"
HOSTS = (b"", b" shop.example:8080", b" 192.0.2.1:", b" [2001:db8::1]:80", b" a_b.example", b" xn--bcher-kva.example")
STRANGE_HOSTS = (b"[", b"[::1", b"[x]", b"a b", b"a/b", b"a?b", b"a#b", b"a@b", b"a:b", b'a"b', b"%zz", b"\xff")
CLOSE = b"Host: x\r\nConnection: close\r\n"
LARGE = 24 << 20
"""Bytes: several times what the kernel keeps for a client that does not read."""


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(
        tmp_path_factory.mktemp("bounded") / "data",
        workers=1,
        header_seconds="0.5",
        stall_seconds="1",
        keep_alive_seconds="1",
        lifetimes="pinned: 86400; originals: 3600; redirects: 60; missing: 5",
        shared_max_age="604800",
        stale_while_revalidate="30",
        stale_if_error="900",
        cache_tags="surrogate-key, cache-tag",
    ) as service:
        yield service


@pytest.fixture(scope="module")
def path(bounded: Service) -> bytes:
    """Of an original, PNG, 2.6 kB."""
    return f"/images/{bounded.add(originals.png())}.png".encode()


@pytest.fixture(scope="module")
def large(bounded: Service) -> str:
    """The path of a file that is no picture."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    files = {"file": ("large.txt", bytes(LARGE))}
    sent = bounded.client.post("/quable/api/files", data={"fileType": "asset"}, files=files, headers=headers)
    made = bounded.client.post(
        "/quable/api/assets", json={"id": "large", "file": {"id": sent.json()["id"]}}, headers=headers
    )
    assert made.status_code == 201, made.text
    return "/cdn/default/large/original/large.txt"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    content: bytes


class Talk:
    """One connection, byte by byte."""

    def __init__(self, service: Service, *, receive_buffer: int | None = None) -> None:
        address = urlsplit(service.url)
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(30)
        assert address.hostname is not None
        self.socket.connect((address.hostname, address.port))

    def close(self) -> None:
        self.socket.close()

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def hear(self) -> bytes:
        """What comes next; empty when the service has closed."""
        return self.socket.recv(1 << 20)

    def hear_all(self) -> bytes:
        """Until the service closes, which it has to."""
        heard = b""
        with suppress(ConnectionResetError):
            while piece := self.hear():
                heard += piece
        return heard

    def dribble(self, piece: bytes, *, every: float = 0.05) -> bytes:
        """The piece over and over, until something comes or the service has closed; then all that comes."""
        self.socket.settimeout(every)
        with suppress(ConnectionError):
            while True:
                self.say(piece)
                with suppress(TimeoutError):
                    heard = self.hear()
                    break
            self.socket.settimeout(30)
            return heard + self.hear_all() if heard else b""
        return b""


@pytest.fixture
def talk(bounded: Service) -> Generator[Talk]:
    with closing(Talk(bounded)) as opened:
        yield opened


def read(heard: bytes) -> Answer:
    """The only one there is."""
    head, _, content = heard.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    assert "transfer-encoding" not in headers
    assert len(content) == int(headers.get("content-length", 0)), heard
    return Answer(int(status.split(" ")[1]), headers, content)


def assert_refused(heard: bytes, status: int) -> str:
    """RFC 9457's shape, kept by nobody, and the connection is over; its sentence."""
    answer = read(heard)
    assert answer.status == status, heard
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["connection"] == "close"
    assert "date" in answer.headers
    problem = json.loads(answer.content)
    assert problem["status"] == status
    assert re.fullmatch(r"[A-Z][^.\n]*\.", problem["detail"]), problem
    return str(problem["detail"])


class TestMalformed:
    """RFC 9112: what is not HTTP, what is too much of it, and what is rarely seen but right."""

    @pytest.mark.parametrize(
        ("status", "request_bytes"),
        [
            (400, b"rubbish\r\n\r\n"),
            (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
            (400, b"GET / HTTP/9.9\r\n" + CLOSE),
            (400, b"GET /a b HTTP/1.1\r\n" + CLOSE),
            (400, b"GET /\xff\xfe HTTP/1.1\r\n" + CLOSE),
            (400, b"GET /x?\0 HTTP/1.1\r\n" + CLOSE),
            (400, b"GET / HTTP/1.1\r\nConnection: close\r\n"),
            (400, b"GET / HTTP/1.1\r\nHost: y\r\n" + CLOSE),
            (400, b"GET / HTTP/1.0\r\nHost: y\r\n" + CLOSE),
            *((400, b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n") for host in STRANGE_HOSTS),
            (400, b"GET / HTTP/1.1\r\nHost : x\r\n"),
            (400, b"GET / HTTP/1.1\r\nX: a\0b\r\n" + CLOSE),
            (400, b"GET / HTTP/1.1\r\n folded: x\r\n" + CLOSE),
            (400, b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + CLOSE),
            (400, b"GET / HTTP/1.1\r\nContent-Length: -1\r\n" + CLOSE),
            (400, b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 40 + b"\r\n" + CLOSE),
            (400, b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" + CLOSE),
            (400, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n" + CLOSE),
            (400, b"GET ftp://x/ HTTP/1.1\r\n" + CLOSE),
            (400, b"GET http://user@x/ HTTP/1.1\r\n" + CLOSE),
            (400, b"GET http:///x HTTP/1.1\r\n" + CLOSE),
            (400, b"GET http://a<b/ HTTP/1.1\r\n" + CLOSE),
            (400, b"GET /x#y HTTP/1.1\r\n" + CLOSE),
            (400, b"GET http://x/?y#z HTTP/1.1\r\n" + CLOSE),
            (400, b"GET * HTTP/1.1\r\n" + CLOSE),
            (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n"),
            (414, b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + CLOSE),
            (414, b"GET /" + b"a" * 3_000_000),
            (414, b"GET /?" + b"a" * 9_000 + b" HTTP/1.1\r\n" + CLOSE),
            (431, b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n" + CLOSE),
            (431, b"GET / HTTP/1.1\r\nX: " + b"a" * 3_000_000),
            (431, b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 9_000 + CLOSE),
            (431, b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 900_000),
            (501, b"FOO / HTTP/1.1\r\n" + CLOSE),
            (501, b"get / HTTP/1.1\r\n" + CLOSE),
            (501, b"CONNECT elsewhere:443 HTTP/1.1\r\n" + CLOSE),
            (505, b"GET / HTTP/2.0\r\n" + CLOSE),
            (505, b"GET / HTTP/0.9\r\n" + CLOSE),
        ],
        ids=lambda given: repr(given[:40]) if isinstance(given, bytes) else str(given),
    )
    def test_what_cannot_be_served_is_refused_in_a_sentence(
        self, bounded: Service, talk: Talk, status: int, request_bytes: bytes
    ) -> None:
        """At once, whole or not; nothing is logged of what strangers send."""
        logged = bounded.log.stat().st_size

        with suppress(ConnectionError):
            talk.say(request_bytes, b"\r\n")

        assert_refused(talk.hear_all(), status)
        assert bounded.log.read_bytes()[logged:] == b""

    @pytest.mark.parametrize(
        ("status", "request_head"),
        [
            (200, b"\r\n\r\nGET %b HTTP/1.1\r\n" + CLOSE),
            (200, b"GET http://elsewhere%b HTTP/1.1\r\n" + CLOSE),
            (200, b"GET HTTPS://elsewhere%b?width=9 HTTP/1.1\r\n" + CLOSE),
            (200, b"GET %b HTTP/1.0\r\n"),
            *((200, b"GET %b HTTP/1.1\r\nConnection: close\r\nHost:" + host + b"\r\n") for host in HOSTS),
            (200, b"HEAD %b HTTP/1.0\r\n"),
            (200, b"GET %b HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n" + HOST),
            (200, b"GET %b HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n" + HOST),
            (200, b"GET %b HTTP/1.1\r\nX: " + b"a" * 30_000 + b"\r\n" + CLOSE),
            (404, b"GET http://elsewhere HTTP/1.1\r\n" + CLOSE),
            (404, b"GET //images//x HTTP/1.1\r\n" + CLOSE),
            (404, b"GET /../../etc/passwd HTTP/1.1\r\n" + CLOSE),
            (404, b"GET /%%2e%%2e/%%2e%%2e/etc/passwd HTTP/1.1\r\n" + CLOSE),
            (405, b"TRACE %b HTTP/1.1\r\n" + CLOSE),
        ],
        ids=lambda given: repr(given[:40]) if isinstance(given, bytes) else str(given),
    )
    def test_what_is_rarely_seen_is_answered(self, talk: Talk, path: bytes, status: int, request_head: bytes) -> None:
        filled = request_head % ((path,) if b"%b" in request_head else ())
        talk.say(filled + b"\r\n")

        heard = talk.hear_all()

        assert heard.startswith(b"HTTP/1.1 %d " % status), heard
        assert heard.count(b"HTTP/1.1 ") == 1

    @pytest.mark.parametrize(
        ("status", "fields"),
        [(400, b"Host : x\r\n"), (400, b"Content-Length: -1\r\n"), (431, b"X: " + b"a" * 3_000_000), (408, b"Host: x")],
        ids=["field name", "length", "fields", "slow"],
    )
    def test_what_refuses_head_has_no_content(self, talk: Talk, status: int, fields: bytes) -> None:
        """RFC 9110, section 9.3.2: what came behind the head would be taken for the next answer."""
        with suppress(ConnectionError):
            talk.say(b"HEAD /x HTTP/1.1\r\n" + fields + b"\r\n" * (status == 400))

        head, _, content = talk.hear_all().partition(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"\r\nConnection: close" in head or b"\r\nconnection: close" in head
        assert content == b""

    def test_the_host_of_an_absolute_target_is_the_one(self, talk: Talk, path: bytes) -> None:
        """RFC 9112, section 3.2.2: Host is ignored."""
        guid = path.partition(b".")[0]
        talk.say(
            b"GET http://shop.example%b?width=9 HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n" % guid
        )

        answer = read(talk.hear_all())

        assert answer.headers["location"].startswith("http://shop.example/images/")

    def test_the_server_as_a_whole_has_options(self, talk: Talk) -> None:
        """RFC 9110, section 9.3.7; the connection goes on."""
        talk.say(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")

        assert talk.hear().startswith(b"HTTP/1.1 204 ")
        talk.say(b"GET /healthz HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert read(talk.hear_all()).status == 200

    def test_what_follows_a_body_is_no_header(self, talk: Talk) -> None:
        """RFC 9110, section 6.5.1: a token behind what it is to permit comes too late."""
        talk.say(
            b"POST /iqmetrix/assets HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n"
            b"0\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
        )

        assert read(talk.hear_all()).status == 401

    def test_requests_that_come_together_are_answered_in_order(self, talk: Talk, path: bytes) -> None:
        """What is wrong with a later one takes nothing from those before it."""
        one = b"GET %b?width=%d HTTP/1.1\r\n" + HOST + b"\r\n"
        talk.say(one % (path, 31) + one % (path, 32) + b"GET /healthz HTTP/1.1\r\nbroken\r\n\r\n" + one % (path, 33))

        heard = talk.hear_all()

        assert heard.count(b"HTTP/1.1 200 OK") == 2
        assert heard.count(b"HTTP/1.1 ") == 2
        assert re.findall(rb"IHDR(....)", heard, re.DOTALL) == [b"\0\0\0\x1f", b"\0\0\0\x20"]

    def test_who_asks_for_more_than_can_wait_is_not_listened_to(self, bounded: Service, talk: Talk) -> None:
        """Requests behind one that is being answered are memory."""
        with suppress(ConnectionError):
            talk.say(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1_000)

        assert talk.hear_all().count(b"HTTP/1.1 200 OK") < 100
        assert bounded.get("/healthz").status_code == 200


class TestSlow:
    def test_who_says_nothing_is_not_waited_for(self, talk: Talk) -> None:
        """There is no request to answer."""
        assert talk.hear_all() == b""

    @pytest.mark.parametrize("begun", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
    def test_a_head_that_does_not_end_is_given_up(self, talk: Talk, begun: bytes) -> None:
        """Standing still, and growing by a byte at a time."""
        talk.say(begun)
        assert assert_refused(talk.hear_all(), 408) == "The request did not arrive in time."

    def test_a_head_that_grows_by_bytes_is_given_up(self, talk: Talk) -> None:
        """Slowloris: each byte comes before anybody loses patience with the last."""
        talk.say(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")

        assert_refused(talk.dribble(b"a"), 408)

    @pytest.mark.parametrize("more", [b"", b"\r\n"])
    def test_an_idle_connection_is_closed(self, talk: Talk, path: bytes, more: bytes) -> None:
        """After a whole answer, also where empty lines follow."""
        talk.say(b"HEAD %b HTTP/1.1\r\n" % path + HOST + b"\r\n")
        assert talk.hear().startswith(b"HTTP/1.1 200 OK")

        talk.say(more)

        assert talk.hear_all() == b""

    def test_a_second_head_is_waited_for_no_longer(self, talk: Talk, path: bytes) -> None:
        talk.say(b"HEAD %b HTTP/1.1\r\n" % path + HOST + b"\r\n")
        assert talk.hear().startswith(b"HTTP/1.1 200 OK")

        talk.say(b"GET ")

        assert_refused(talk.hear_all(), 408)

    def test_an_upload_that_stops_is_given_up(self, talk: Talk) -> None:
        talk.say(upload_head(100_000), b"--b\r\n")

        assert_refused(talk.hear_all(), 408)

    def test_an_upload_that_drips_is_given_up(self, talk: Talk) -> None:
        """Fewer than 500 bytes a second."""
        talk.say(upload_head(100_000), upload_body(b"")[:80])

        assert_refused(talk.dribble(b"x", every=0.02), 408)

    def test_an_upload_that_goes_on_is_waited_for(self, talk: Talk) -> None:
        """For longer than a stall may last."""
        body = upload_body(originals.png(200, 200) + bytes(60_000))
        talk.say(upload_head(len(body)))

        for start in range(0, len(body), len(body) // 15):
            talk.say(body[start : start + len(body) // 15])
            pause()

        assert read(talk.hear_all()).status == 201

    def test_an_answer_given_early_does_not_wait_for_the_rest(self, talk: Talk) -> None:
        """Who is refused by a token need not be heard out."""
        talk.say(b"POST /iqmetrix/assets HTTP/1.1\r\nContent-Length: 100000\r\n" + HOST + b"\r\n")

        heard = talk.dribble(b"x")

        assert read(heard).status == 401

    def test_who_does_not_read_holds_no_file(self, bounded: Service, large: str) -> None:
        """The connection is broken off, and what it was sent is closed."""
        [process] = bounded.servers()
        with closing(Talk(bounded, receive_buffer=4096)) as talk:
            talk.say(f"GET {large} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
            poll(lambda: held(process) == 1, for_what="the file to be opened")

            poll(lambda: held(process) == 0, for_what="the file to be closed")

            assert len(talk.hear_all()) < LARGE

    def test_who_reads_slowly_is_sent_all(self, bounded: Service, large: str) -> None:
        """For longer than a stall may last, and so little of it that the kernel takes nothing more from the service."""
        with closing(Talk(bounded, receive_buffer=1 << 16)) as talk:
            talk.say(f"GET {large} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n")
            slowly = 0
            for _ in range(25):
                slowly += len(talk.socket.recv(1 << 15))
                pause()

            rest = len(talk.hear_all())

        assert slowly <= 25 << 15
        assert slowly + rest > LARGE


class TestExpectations:
    """RFC 9110, section 10.1.1."""

    def test_who_asks_first_is_told_to_go_on(self, talk: Talk) -> None:
        body = upload_body(originals.png(60, 40))
        talk.say(upload_head(len(body), b"Expect: 100-continue\r\n"))

        assert talk.hear() == b"HTTP/1.1 100 Continue\r\n\r\n"
        talk.say(body)
        assert read(talk.hear_all()).status == 201

    @pytest.mark.parametrize(("token", "status"), [(b"another", 401), (TOKEN.encode(), 413)])
    def test_who_would_be_refused_sends_nothing(self, talk: Talk, token: bytes, status: int) -> None:
        """No token, too large: the final answer comes instead."""
        talk.say(upload_head(1 << 40, b"Expect: 100-continue\r\n", token=token))

        assert read(talk.hear_all()).status == status


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(tmp_path_factory.mktemp("narrow") / "data", workers=1, connections="4") as service:
        yield service


class TestMany:
    def test_one_connection_more_than_there_may_be_is_told_so(self, narrow: Service) -> None:
        """503, to ask again; beyond twice as many nobody is listened to. When they go, all is as it was."""
        talks = [Talk(narrow) for _ in range(6)]
        heard = [ask(one) for one in talks]
        silent = [Talk(narrow) for _ in range(8)]
        broken_off = [is_closed(one) for one in silent]
        for one in talks + silent:
            one.close()

        # The test's own client holds one of the four.
        assert [answer[:13] for answer in heard[:3]] == [b"HTTP/1.1 200 "] * 3
        for answer in heard[4:]:
            assert assert_refused(answer, 503) == "Too many connections are open."
            assert read(answer).headers["retry-after"] == "1"
        assert any(broken_off)
        poll(lambda: narrow.get("/healthz").status_code == 200, for_what="room")


class TestLifetimes:
    """What the operator sets, seen from outside."""

    def test_each_class_of_urls_has_its_own(self, bounded: Service, path: bytes) -> None:
        original = path.decode()
        guid = original.partition(".")[0].rpartition("/")[2]
        beyond = ", s-maxage=604800, stale-while-revalidate=30, stale-if-error=900"
        classes = {
            bounded.canonical_path(guid, "width=40"): YEAR,
            f"{original}?width=40&v=3": "public, max-age=86400, immutable",
            f"{original}?width=40": f"public, max-age=300{beyond}",
            f"/images/{guid}?width=40": f"public, max-age=60{beyond}",
            original: f"public, max-age=3600{beyond}",
            "/images/00000000-0000-4000-8000-000000000000.png": "public, max-age=5",
            "/media/aaaaaaaa/x.png": "public, max-age=5",
            "/cdn/default/none/original/x.png": "public, max-age=5",
            "/iqmetrix/assets/00000000-0000-4000-8000-000000000000": "no-store",
            f"{original}?width=x": "no-store",
        }

        assert {url: bounded.get(url).headers["cache-control"] for url in classes} == classes

    def test_both_kinds_of_tags_are_sent(self, bounded: Service, path: bytes) -> None:
        """Each with its own separator."""
        guid = path.decode().partition(".")[0].rpartition("/")[2]

        headers = bounded.get(path.decode()).headers

        assert headers["surrogate-key"] == f"asset-{guid} folder-root"
        assert headers["cache-tag"] == f"asset-{guid},folder-root"


def upload_body(data: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="Filename"; filename="a.png"\r\n\r\n'
    return head + data + b"\r\n--b--\r\n"


def upload_head(length: int, more: bytes = b"", *, token: bytes = TOKEN.encode()) -> bytes:
    return (
        b"POST /iqmetrix/assets HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: %d\r\nAuthorization: Bearer %b\r\n" % (length, token) + more + CLOSE + b"\r\n"
    )


def pause() -> None:
    """A slow client's; its pace is what is tested."""
    Event().wait(0.1)


def ask(talk: Talk) -> bytes:
    """Whether it lives; what is answered, to the end where that ends the connection."""
    talk.say(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
    heard = talk.hear()
    return heard + talk.hear_all() if b"connection: close" in heard else heard


def is_closed(talk: Talk) -> bool:
    """By the service, which said nothing."""
    talk.socket.settimeout(0.05)
    try:
        return talk.hear() == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def held(process: int) -> int:
    """Originals that the process has open."""
    found = 0
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):
            found += re.search(r"/originals/.*[0-9a-f]{64}$", str(link.readlink())) is not None
    return found
