"""Canonical URLs: where they come from, that they hold for ever, and that what is wrong on disk never shows."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests import originals
from tests.originals import Colour, close_to, decode, pixel
from tests.servers import Service, poll

IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture(scope="session")
def picture(shared_service: Service) -> str:
    return shared_service.add_prepared(originals.png(1200, 800), "Red Shirt.png")


def derivative_path(service: Service, canonical: str) -> Path:
    """By the pattern that `storage.derivatives` documents: ab/cd/{key}.{extension}."""
    key, file_name = canonical.split("/")[-2:]
    return service.data / "derivatives" / key[:2] / key[2:4] / f"{key}.{file_name.rpartition('.')[2]}"


def test_a_guid_alone_redirects_to_its_picture(service: Service, picture: str) -> None:
    """303 See Other, as iQmetrix documents it, with an absolute address."""
    answer = service.get(f"/images/{picture}")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{service.url}/images/{picture}.png"
    assert answer.headers["content-type"].startswith("application/text")


def test_a_query_redirects_to_a_canonical_url(service: Service, picture: str) -> None:
    """Equivalent queries to one, nothing rendered on the way."""
    before = service.renders()

    paths = {
        service.canonical_path(picture, query)
        for query in (
            "width=77&height=70&format=webp",
            "format=WEBP&height=70.2&Width=77px",
            "width=77&height=70&utm=1&format=webp",
        )
    }

    (path,) = paths
    assert path.startswith(f"/images/{picture}/width=77,height=70,format=webp/")
    assert path.endswith("/red-shirt.webp")
    assert service.renders() == before


def test_a_canonical_url_is_immutable(service: Service, picture: str) -> None:
    """Kept for a year by whoever likes, and equal to what the query gives."""
    canonical = service.canonical_path(picture, "width=78&format=webp")

    answer = service.get(canonical)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == IMMUTABLE
    assert answer.content == service.get(f"/images/{picture}.webp?width=78").content


def test_the_file_name_in_a_canonical_url_is_for_people(service: Service, picture: str) -> None:
    """Links outlive a rename."""
    canonical = service.canonical_path(picture, "width=79")

    answer = service.get(canonical.replace("red-shirt", "blue-trousers"))

    assert (answer.status_code, answer.headers["cache-control"]) == (200, IMMUTABLE)


def test_a_key_that_is_not_the_variants_redirects_to_the_one_that_is(service: Service, picture: str) -> None:
    """Never bytes under a wrong key: a cache would keep them for a year."""
    canonical = service.canonical_path(picture, "width=81")
    wrong = canonical.replace(canonical.split("/")[4], "0" * 32)

    answer = service.get(wrong)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"{service.url}{canonical}"
    assert "immutable" not in answer.headers.get("cache-control", "")


@pytest.mark.parametrize(
    ("width", "extension"), [(300, "png"), (310, "jpg"), (1000, "bmp"), (320, "png8"), (330, "tiff")]
)
def test_the_derivatives_file_holds_the_bytes_served(
    service: Service, picture: str, width: int, extension: str
) -> None:
    """So that a web server in front may send it itself."""
    canonical = service.canonical_path(picture, f"width={width}&format={extension}")

    answer = service.get(canonical)

    assert derivative_path(service, canonical).read_bytes() == answer.content


def _delete(path: Path) -> None:
    path.unlink()


def _truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _put_another(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize(
    ("height", "harm"), list(enumerate([_delete, _truncate, _empty, _lengthen, _flip_a_bit, _put_another], 800))
)
@pytest.mark.parametrize("query", ["width=200&format=png", "width=900&format=bmp"], ids=["small", "streamed"])
def test_a_derivative_that_is_harmed_is_healed(
    service: Service, height: int, harm: Callable[[Path], None], query: str
) -> None:
    """Deleted, cut or altered on disk: the same bytes come again, from every process, and the file is whole.

    It is a picture of its own, asked for once by each: no process has its bytes in memory.
    """
    canonical = service.canonical_path(service.add(originals.png(1200, height)), query)
    path = derivative_path(service, canonical)
    with service.connections_to_every_process() as dealt:
        clients = [connections[0] for connections in dealt.values()]
        whole = {_final_content(client, canonical) for client in clients}
        harm(path)

        again = {_content(client, canonical) for client in (*clients, *clients)}

    assert len(whole) == 1
    assert again == whole
    assert path.read_bytes() in whole


@pytest.fixture
def replaceable(service: Service) -> str:
    """Red all over; `replacement` is green."""
    return service.add(_plain(originals.RED), "shirt.png")


@pytest.fixture
def replacement(tmp_path: Path) -> Path:
    path = tmp_path / "replacement.png"
    path.write_bytes(_plain(originals.GREEN))
    return path


def test_what_was_replaced_is_never_shown_again(service: Service, replaceable: str, replacement: Path) -> None:
    """Every URL shows the new picture on the very next request, in every server process, prepared answers included."""
    media = service.media_path(replaceable)
    old = service.canonical_path(replaceable, "width=50&format=png")
    urls = [f"/images/{replaceable}.png", f"{media}?width=50", f"/images/{replaceable}.jpg?width=20", media]
    with service.connections_to_every_process(each=2) as dealt:
        clients = [connection for connections in dealt.values() for connection in connections]
        before = [_shown(client, url) for _ in range(3) for client in clients for url in (*urls, old)]

        assert service.command("replace", replaceable, str(replacement)).returncode == 0
        after = [_shown(client, url) for _ in range(3) for client in clients for url in urls]
        redirects = {_location(client, old) for client in clients}

    assert all(close_to(colour, originals.RED) for colour in before)
    assert all(close_to(colour, originals.GREEN) for colour in after)
    (new,) = redirects
    assert new == f"{service.url}{service.canonical_path(replaceable, 'width=50&format=png')}"
    assert new != f"{service.url}{old}"


def test_an_etag_of_what_was_replaced_is_not_confirmed(service: Service, replaceable: str, replacement: Path) -> None:
    """A cache that asks again is given the new picture and not 304."""
    url = f"/images/{replaceable}.png?width=30"
    etag = service.get(url).headers["etag"]
    assert service.get(url, if_none_match=etag).status_code == 304

    service.command("replace", replaceable, str(replacement))
    answer = service.get(url, if_none_match=etag)

    assert answer.status_code == 200
    assert close_to(pixel(decode(answer.content), 5, 5), originals.GREEN)


def test_while_it_is_replaced_a_key_has_one_content(service: Service, replaceable: str, tmp_path: Path) -> None:
    """Under load and three replacements, every answer has the pixels of its own ETag, and a new one never gives way

    to an older one.
    """
    colours = [originals.RED, originals.GREEN, originals.BLUE, originals.YELLOW]
    url = f"/images/{replaceable}.png?width=40"
    with service.connections_to_every_process(each=2) as dealt:
        readers = [_Reader(connection, url) for connections in dealt.values() for connection in connections]
        with _running(readers):
            for number, colour in enumerate(colours[1:]):
                file = tmp_path / f"{number}.png"
                file.write_bytes(_plain(colour))
                assert service.command("replace", replaceable, str(file)).returncode == 0

    content_of: dict[str, set[bytes]] = {}
    for reader in readers:
        assert not reader.failures
        for etag, content in reader.answers:
            content_of.setdefault(etag, set()).add(content)
    assert all(len(contents) == 1 for contents in content_of.values())
    shown = {etag: pixel(decode(next(iter(contents))), 5, 5) for etag, contents in content_of.items()}
    for reader in readers:
        order = [_nearest(shown[etag], colours) for etag, _ in reader.answers]
        assert order == sorted(order)


class _Reader(threading.Thread):
    """Asks for one URL over one connection until told to stop."""

    def __init__(self, connection: HTTPConnection, url: str) -> None:
        super().__init__(daemon=True)
        self._connection = connection
        self._url = url
        self.ended = threading.Event()
        self.answers: list[tuple[str, bytes]] = []
        self.failures: list[int] = []

    def run(self) -> None:
        while not self.ended.is_set():
            self._connection.request("GET", self._url)
            answer = self._connection.getresponse()
            content = answer.read()
            if answer.status == 200:
                self.answers.append((answer.headers["etag"], content))
            else:
                self.failures.append(answer.status)


@contextmanager
def _running(readers: list[_Reader]) -> Generator[None]:
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        for reader in readers:
            reader.ended.set()
        for reader in readers:
            reader.join(30)


def _nearest(colour: Colour, colours: list[Colour]) -> int:
    return next(number for number, one in enumerate(colours) if close_to(colour, one))


def _plain(colour: Colour) -> bytes:
    """A PNG of one colour, 100 x 60 px."""
    picture = originals.quadrants(100, 60)
    return picture.new_from_image(list(map(float, colour))).cast("uchar").copy(interpretation="srgb").pngsave_buffer()


def _final_content(connection: HTTPConnection, path: str) -> bytes:
    """Asked for until what stands in for it is no longer given, and so answered as it will be once."""

    def look() -> bytes | None:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
        return None if answer.headers["cache-control"] == "public, max-age=10" else content

    return poll(look, for_what="the rendition itself")


def _content(connection: HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    return content


def _shown(connection: HTTPConnection, path: str) -> Colour:
    return pixel(decode(_content(connection, path)), 5, 5)[:3]


def _location(connection: HTTPConnection, path: str) -> str | None:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303
    return answer.headers["location"]
