"""Batches of data over HTTP: what is in the archive, what is told before it, and links to it."""

import json
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Generator, Sequence
from contextlib import closing
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, poll, serving

BATCH = "/struct/assets/batch/data"
KEY = {"Authorization": TOKEN}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(tmp_path_factory.mktemp("batches") / "data", workers=1, link_seconds="600") as service:
        yield service


def add(service: Service, data: bytes, name: str) -> str:
    """The serial of a new asset."""
    answer = service.client.post("/struct/assets", headers=KEY, files={"uploadedFile": (name, data)})
    assert answer.status_code == 200, answer.text
    serial = answer.json()["Id"]
    assert isinstance(serial, str)
    return serial


def post(service: Service, ids: Sequence[str], query: str = "", *, to: str = BATCH, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.client.post(f"{to}?{query}", headers={**KEY, **given}, content=json.dumps(ids))


def opened(answer: httpx.Response) -> zipfile.ZipFile:
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def link_to(service: Service, ids: Sequence[str], query: str = "") -> str:
    """From its path on, so that the test's client can take it."""
    answer = post(service, ids, query, to=f"{BATCH}/link")
    assert answer.status_code == 200, answer.text
    parts = urlsplit(answer.json()["Url"])
    return f"{parts.path}?{parts.query}"


def test_originals_go_in_byte_for_byte(shop: Service) -> None:
    """Without any parameter; a file that is no picture like any other."""
    picture, paper = originals.jpeg(), originals.pdf()
    ids = [add(shop, picture, "Red Shirt.JPG"), add(shop, paper, "prices.pdf")]

    archive = opened(post(shop, ids))

    assert archive.namelist() == ["Red Shirt.JPG", "prices.pdf"]
    assert [archive.read(name) for name in archive.namelist()] == [picture, paper]


def test_renditions_are_what_the_media_url_answers(shop: Service) -> None:
    """The same bytes through the same cache; names follow the format, other files are left as they are."""
    paper = originals.pdf()
    ids = [add(shop, originals.png(), "bag.png"), add(shop, paper, "prices.pdf")]
    media = urlsplit(shop.client.get(f"/struct/assets/{ids[0]}", headers=KEY).json()["Url"]).path
    query = "maxWidth=120&maxHeight=120&format=webp&bgcolor=ff0000"

    archive = opened(post(shop, ids, query))

    assert archive.namelist() == ["bag.webp", "prices.pdf"]
    assert archive.read("bag.webp") == shop.get(f"{media}?{query}").content
    assert originals.decode(archive.read("bag.webp")).width == 120
    assert archive.read("prices.pdf") == paper


def test_auto_is_what_everybody_can_look_at(shop: Service) -> None:
    """Whoever asks for the archive accepts archives: the originals' formats, or the nearest that all can show."""
    pictures = {
        "a.jpg": originals.jpeg(),
        "b.webp": originals.webp(),
        "c.png": originals.png(),
        "d.svg": originals.svg(),
    }
    ids = [add(shop, data, name) for name, data in pictures.items()]

    archive = opened(post(shop, ids, "maxWidth=60&format=auto", Accept="image/avif,image/webp,*/*"))

    assert archive.namelist() == ["a.jpg", "b.jpg", "c.png", "d.png"]
    assert {originals.decode(archive.read(name)).width for name in archive.namelist()} == {60}


def test_equal_names_are_made_different_and_dangerous_ones_harmless(shop: Service) -> None:
    """Nothing in the archive leads out of the folder it is unpacked in."""
    ids = [add(shop, originals.png(20, 20), name) for name in ("a.png", "A.png", "CON.png", "errors.txt.png")]

    names = opened(post(shop, ids, "format=jpg")).namelist()

    assert len({name.lower() for name in names}) == len(names) == 4
    assert names[:2] == ["a.jpg", "A (2).jpg"]
    assert not any("/" in name or name.upper().startswith("CON.") for name in names)


def test_an_asset_goes_in_once_by_whatever_ids_it_is_named(shop: Service) -> None:
    """In the place where it is named first."""
    first, second = (add(shop, originals.png(30, 20), name) for name in ("one.png", "two.png"))
    slug = urlsplit(shop.client.get(f"/struct/assets/{first}", headers=KEY).json()["Url"]).path.split("/")[2]

    archive = opened(post(shop, [first, second, slug, first]))

    assert archive.namelist() == ["one.png", "two.png"]


def test_an_unknown_id_is_told_before_the_first_byte(shop: Service) -> None:
    """404 for the whole batch, and which it was."""
    known = add(shop, originals.png(30, 20), "one.png")

    answer = post(shop, [known, "987654321"], "maxWidth=10")

    assert answer.status_code == 404
    assert "987654321" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "query", "status"),
    [
        ("[]", "", 400),
        ("{}", "", 400),
        ("[[1]]", "", 400),
        ("no json", "", 400),
        ('["1"]', "maxWidth=wide", 400),
        ('["1"]', "format=docx", 400),
        ('["1"]', "bgcolor=nocolour", 400),
    ],
)
def test_what_cannot_be_meant_is_refused(shop: Service, content: str, query: str, status: int) -> None:
    """Before anything is looked for."""
    answer = shop.client.post(f"{BATCH}?{query}", headers=KEY, content=content)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_is_rendered_already_has_its_length_and_can_be_resumed(shop: Service) -> None:
    """The second time all is known: Content-Length, ETag, and any part of the very same bytes."""
    ids = [add(shop, originals.jpeg(600 + n, 400), f"shoe {n}.jpg") for n in range(3)]
    first = post(shop, ids, "maxWidth=90")

    whole = post(shop, ids, "maxWidth=90")
    rest = post(shop, ids, "maxWidth=90", Range="bytes=1000-", If_Range=whole.headers["etag"])

    assert "content-length" not in first.headers
    assert int(whole.headers["content-length"]) == len(whole.content) == len(first.content)
    assert rest.status_code == 206
    assert rest.content == whole.content[1000:] == first.content[1000:]


def test_a_rendition_that_cannot_be_made_is_named_in_the_archive(tmp_path: Path) -> None:
    """The others are there; the report is the last entry."""
    with serving(tmp_path / "data", workers=1) as service:
        good = add(service, originals.jpeg(), "good.jpg")
        lost = add(service, originals.jpeg(500, 300), "lost.jpg")
        digest = digest_of(service, lost)
        (service.data / "originals" / digest[:2] / digest[2:4] / digest).unlink()

        archives = [opened(post(service, [lost, good], query)) for query in ("", "maxWidth=50&format=png")]

    for archive, name, lost_name in zip(
        archives, ("good.jpg", "good.png"), (b"lost.jpg: ", b"lost.jpg (lost.png): "), strict=True
    ):
        assert archive.namelist() == [name, "errors.txt"]
        assert archive.read("errors.txt").startswith(lost_name)


def digest_of(service: Service, serial: str) -> str:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (digest,) = catalog.execute("SELECT digest FROM assets WHERE serial = ?", (serial,)).fetchone()
    assert isinstance(digest, str)
    return digest


def test_a_link_needs_no_token_and_answers_the_same(shop: Service) -> None:
    """What it was made for, with ranges, and HEAD."""
    ids = [add(shop, originals.jpeg(320, 200), "cup.jpg"), add(shop, originals.pdf(), "prices.pdf")]
    expected = post(shop, ids, "maxWidth=60").content

    link = link_to(shop, ids, "maxWidth=60")
    answer, part, head = shop.get(link), shop.get(link, Range="bytes=10-19"), shop.client.head(link)

    assert answer.content == expected
    assert answer.headers["content-disposition"] == 'attachment; filename="assets.zip"'
    assert (part.status_code, part.content) == (206, expected[10:20])
    assert (head.content, head.headers["content-length"]) == (b"", str(len(expected)))


def test_a_link_that_was_changed_is_refused(shop: Service) -> None:
    """Another time, another batch, another signature, none."""
    ids = [add(shop, originals.jpeg(320, 200), "cup.jpg")]
    link, other = link_to(shop, ids), link_to(shop, ids, "maxWidth=10")
    query = parse_qs(urlsplit(link).query)
    later = str(int(query["expires"][0]) + 1)
    changed = [
        link.replace(query["expires"][0], later),
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        f"{urlsplit(other).path}?{urlsplit(link).query}",
        urlsplit(link).path,
        f"{urlsplit(link).path}?expires=soon&signature=%ff",
    ]

    assert [shop.get(one).status_code for one in changed] == [403] * len(changed)


def test_a_link_expires(tmp_path: Path) -> None:
    """Whatever its signature says: a link of a second is none when that has gone by."""
    with serving(tmp_path / "data", workers=1, link_seconds="1") as service:
        link = link_to(service, [add(service, originals.png(20, 20), "dot.png")])

        until = int(parse_qs(urlsplit(link).query)["expires"][0])
        poll(lambda: date_of(service) > until, for_what="the link to expire")
        answer = service.get(link)

    assert answer.status_code == 403
    assert answer.json()["detail"] == "The link has expired."


def date_of(service: Service) -> float:
    """The service's own clock."""
    return parsedate_to_datetime(service.get("/healthz").headers["date"]).timestamp()


def test_batches_are_of_one_instance(shop: Service) -> None:
    """Another's assets are not there, by whatever id; a token that may not read gets none of its own."""
    serial = add(shop, originals.jpeg(320, 200), "cup.jpg")
    theirs = shop.command("token", "create", "b", "--scope", "read", "--instance", "b").stdout.strip()
    writer = shop.command("token", "create", "w", "--scope", "write").stdout.strip()

    answers = [post(shop, [serial], Authorization=token).status_code for token in (theirs, writer, "unknown")]

    assert answers == [404, 403, 401]


READERS = {
    "unzip": ["unzip", "-tq"],
    "7zz": ["7zz", "t"],
    "bsdtar": ["bsdtar", "-tf"],
    "jar": ["jar", "tf"],
}


@pytest.mark.parametrize("reader", READERS)
def test_readers_people_have_accept_it(shop: Service, tmp_path: Path, reader: str) -> None:
    """While it grows and when it is known; with names that are not ASCII."""
    if shutil.which(reader) is None:
        pytest.skip(f"{reader} is not installed")
    ids = [add(shop, originals.jpeg(300, 200), "Hemd grün.jpg"), add(shop, originals.pdf(), "衬衫.pdf")]
    query = f"maxWidth={len(reader) * 10}"

    for turn in range(2):
        path = tmp_path / f"{turn}.zip"
        path.write_bytes(post(shop, ids, query).content)
        done = subprocess.run([*READERS[reader], str(path)], capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/struct/assets", ["1"] * 10_001),
        ("PUT", "/struct/assets", {str(n): {} for n in range(10_001)}),
        ("POST", "/struct/assets/folders", [{"Name": str(n)} for n in range(10_001)]),
        ("DELETE", "/struct/assets/folders", ["1"] * 10_001),
        ("POST", "/struct/assets/batch", ["1"] * 100_001),
        ("POST", BATCH, ["1"] * 100_001),
    ],
)
def test_requests_are_of_a_bounded_number(shop: Service, method: str, path: str, body: object) -> None:
    """Everybody else waits for the transaction, and for the answer."""
    answer = shop.client.request(method, path, headers=KEY, content=json.dumps(body))

    assert answer.status_code == 400
    assert "at a time" in answer.json()["detail"]


def test_a_boundary_that_is_too_long_is_refused(shop: Service) -> None:
    """Of multipart/form-data; as a mistake of who sent it."""
    kind = f"multipart/form-data; boundary={'a' * 300}"

    answer = shop.client.post("/struct/assets", headers={**KEY, "Content-Type": kind}, content=b"x")

    assert answer.status_code == 400
