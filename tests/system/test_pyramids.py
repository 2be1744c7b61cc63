"""Pyramids over HTTP: provisional answers that say so, final ones that never change, and damage that heals."""

import json
import os
import signal
import sqlite3
import zipfile
from collections.abc import Callable, Generator
from contextlib import closing
from functools import cache
from hashlib import sha256
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from zlib import crc32

import httpx
import pytest
import pyvips

from tests import originals
from tests.originals import COLOURS, close_to, corners, decode
from tests.servers import TOKEN, Service, is_ready, poll, serving

PROVISIONAL = "public, max-age=10"
CANONICAL = "public, max-age=31536000, immutable"
KEY = {"Authorization": TOKEN}

COLD = tuple(f"cold {number}.jpg" for number in range(9))
"""Imported beside the service, so that nobody has prepared them; each is of one test."""


@cache
def picture(number: int) -> bytes:
    """Two megapixels, each number's its own."""
    return originals.jpeg(1600, 1200 + 2 * number)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """Two server processes; the cold pictures are in it."""
    with serving(tmp_path_factory.mktemp("shop") / "data") as service:
        import_cold(service, tmp_path_factory.mktemp("cold"), range(len(COLD)))
        yield service


@pytest.fixture
def logged(shop: Service) -> Generator[None]:
    yield
    print(shop.log.read_text(errors="replace")[-4000:])


pytestmark = pytest.mark.usefixtures("logged")


def import_cold(service: Service, folder: Path, numbers: range) -> None:
    for number in numbers:
        (folder / COLD[number]).write_bytes(picture(number))
    done = service.command("import", str(folder))
    assert done.returncode == 0, done.stderr


def cold(service: Service, number: int) -> str:
    """The GUID of one that was imported."""
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (guid,) = catalog.execute("SELECT id FROM assets WHERE name = ?", (COLD[number],)).fetchone()
    assert isinstance(guid, str)
    return guid


def pyramid_events(service: Service, data: bytes) -> list[str]:
    """Outcome of each building that was logged."""
    building = {"event": "pyramid", "original": sha256(data).hexdigest()}.items()
    return [event["outcome"] for event in service.events() if building <= event.items()]


def key_of(path: str) -> str:
    """Of a canonical URL: its last folder."""
    return path.split("/")[-2]


def become_final(service: Service, path: str) -> httpx.Response:
    """The first answer that is not provisional."""

    def look() -> httpx.Response | None:
        answer = service.get(path)
        assert answer.status_code == 200, answer.text
        assert_shows_it(answer)
        return None if answer.headers["cache-control"] == PROVISIONAL else answer

    return poll(look, for_what="the final rendition")


def assert_final(answer: httpx.Response, path: str) -> None:
    assert answer.status_code == 200, answer.text[:200]
    assert answer.headers["etag"] == f'"{key_of(path)}"'
    assert answer.headers["cache-control"] == CANONICAL
    assert_shows_it(answer)


def assert_provisional(answer: httpx.Response, path: str) -> None:
    assert answer.status_code == 200, answer.text[:200]
    assert answer.headers["etag"] not in (f'"{key_of(path)}"', "")
    assert not answer.headers["etag"].startswith("W/")
    assert answer.headers["cache-control"] == PROVISIONAL
    assert_shows_it(answer)


def assert_shows_it(answer: httpx.Response) -> None:
    """The four colours where they belong."""
    assert all(close_to(one[:3], two) for one, two in zip(corners(decode(answer.content)), COLOURS, strict=True))


def ask_every_process(service: Service, path: str) -> list[tuple[str, str, bytes]]:
    """ETag, Cache-Control and bytes, twice from each."""
    answers: list[tuple[str, str, bytes]] = []
    with service.connections_to_every_process() as dealt:
        for connection in [connections[0] for connections in dealt.values()] * 2:
            connection.request("GET", path)
            answer = connection.getresponse()
            answers.append((answer.headers["ETag"], answer.headers["Cache-Control"], answer.read()))
    return answers


def level_files(service: Service, data: bytes) -> list[Path]:
    """Of that original, as the index has them."""
    folder = service.data / "pyramids"
    with closing(sqlite3.connect(folder / "index.sqlite")) as index:
        rows = index.execute("SELECT key FROM derivatives WHERE source = ?", (sha256(data).hexdigest(),)).fetchall()
    return [file for (key,) in rows for file in (folder / key[:2] / key[2:4]).glob(f"{key}.*")]


def test_an_upload_has_its_pyramid_built_by_itself(shop: Service) -> None:
    """Counted and logged; its renditions are final at once, whatever the URL."""
    before = shop.metric("imgsvc_pyramids_total", outcome="built")
    provisional = shop.metric("imgsvc_renders_total", outcome="provisional")

    guid = shop.add_prepared(picture(100), "warm.jpg")
    path = shop.canonical_path(guid, "width=300&format=jpg")
    answers = [shop.get(path), shop.get(f"/images/{guid}.webp?width=301")]

    assert shop.metric("imgsvc_pyramids_total", outcome="built") == before + 1
    assert shop.metric("imgsvc_renders_total", outcome="provisional") == provisional
    assert_final(answers[0], path)
    assert answers[1].headers["cache-control"] == "public, max-age=300, must-revalidate"


def test_what_nobody_prepared_is_answered_provisionally_and_soon_for_good(shop: Service) -> None:
    """The right size at once; then the variant itself, the same from every process from then on."""
    path = shop.canonical_path(cold(shop, 0), "width=300&format=jpg")

    first = shop.get(path)
    final = become_final(shop, path)
    answers = ask_every_process(shop, path)

    assert_provisional(first, path)
    assert (decode(first.content).width, decode(first.content).height) == (300, 225)
    assert_final(final, path)
    assert set(answers) == {(f'"{key_of(path)}"', CANONICAL, final.content)}
    assert shop.metric("imgsvc_renders_total", outcome="failed") == 0


def test_every_process_answers_provisionally_the_same(shop: Service) -> None:
    """While it stands in it has a key of its own, and that one's bytes are always the same."""
    path = shop.canonical_path(cold(shop, 1), "width=310&format=png")

    with shop.connections_to_every_process() as dealt:
        connections = [one[0] for one in dealt.values()]
        for connection in connections:
            connection.request("GET", path)
        answers = [connection.getresponse() for connection in connections]
        tags = {(answer.headers["ETag"], answer.headers["Cache-Control"], answer.read()) for answer in answers}

    assert len(tags) == 1
    assert next(iter(tags))[1] == PROVISIONAL


def test_conditions_tell_the_two_apart(shop: Service) -> None:
    """A cache that has the provisional one is given the final one; one that has that is told that it is right."""
    path = shop.canonical_path(cold(shop, 2), "width=300&format=jpg")
    first = shop.get(path)

    known = shop.get(path, If_None_Match=f'"{key_of(path)}"')
    final = become_final(shop, path)
    renewed = shop.get(path, If_None_Match=first.headers["etag"])
    again = shop.get(path, If_None_Match=final.headers["etag"])

    assert_provisional(first, path)
    assert known.status_code == 304
    assert known.headers["etag"] == final.headers["etag"]
    assert_final(renewed, path)
    assert renewed.content == final.content
    assert (again.status_code, again.headers["cache-control"], again.content) == (304, CANONICAL, b"")


def test_parts_are_of_what_their_tag_names(shop: Service) -> None:
    """A part of the provisional one carries its tag; resumed with it later, all of the final one comes."""
    path = shop.canonical_path(cold(shop, 3), "width=300&format=jpg")

    part = shop.get(path, Range="bytes=10-99")
    other = shop.get(path, Range="bytes=10-99", If_Range=f'"{key_of(path)}"')
    final = become_final(shop, path)
    resumed = shop.get(path, Range="bytes=100-", If_Range=part.headers["etag"])
    right = shop.get(path, Range="bytes=100-", If_Range=final.headers["etag"])

    assert (part.status_code, part.headers["cache-control"]) == (206, PROVISIONAL)
    assert_provisional(other, path)
    assert other.headers["etag"] == part.headers["etag"]
    assert part.content == other.content[10:100]
    assert part.headers["content-range"] == f"bytes 10-99/{len(other.content)}"
    assert (resumed.status_code, resumed.content) == (200, final.content)
    assert (right.status_code, right.content) == (206, final.content[100:])


def test_its_head_says_the_same(shop: Service) -> None:
    """HEAD of what stands in has its headers and no bytes."""
    path = shop.canonical_path(cold(shop, 4), "width=300&format=jpg")

    head, whole = shop.client.head(path), shop.get(path)

    assert_provisional(whole, path)
    assert head.content == b""
    for name in ("etag", "cache-control", "content-length", "content-type"):
        assert head.headers[name] == whole.headers[name]


def test_a_srcset_costs_one_pyramid_and_one_provisional_render(shop: Service) -> None:
    """Eight widths of a picture that nobody has asked about, all at once, through both processes."""
    guid = cold(shop, 5)
    paths = [shop.canonical_path(guid, f"width={width}&format=jpg") for width in range(100, 660, 70)]
    before = outcomes(shop)

    connections = [shop.connect() for _ in paths]
    for connection, path in zip(connections, paths, strict=True):
        connection.request("GET", path)
    answers = [read(connection) for connection in connections]

    assert [status for status, _, _ in answers] == [200] * 8
    assert [decode(data).width for _, _, data in answers] == list(range(100, 660, 70))
    assert sum(kept == PROVISIONAL for _, kept, _ in answers) == 1
    after = outcomes(shop)
    assert {name: after[name] - before[name] for name in after} == {"provisional": 1, "rendered": 7}
    assert len(pyramid_events(shop, picture(5))) == 1


def outcomes(service: Service) -> dict[str, float]:
    return {name: service.metric("imgsvc_renders_total", outcome=name) for name in ("provisional", "rendered")}


def read(connection: HTTPConnection) -> tuple[int, str, bytes]:
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, answer.headers["Cache-Control"], data


def test_an_archive_has_final_renditions(shop: Service) -> None:
    """Of pictures that nobody has asked about: what is unpacked is what the URLs answer for ever."""
    serials = [serial_of(shop, cold(shop, number)) for number in (6, 7)]
    provisional = shop.metric("imgsvc_renders_total", outcome="provisional")

    answer = shop.client.post(
        "/struct/assets/batch/data?maxWidth=300&format=jpg", headers=KEY, content=json.dumps(serials)
    )

    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        packed = {entry.filename: (archive.read(entry), entry.CRC) for entry in archive.infolist()}
    assert shop.metric("imgsvc_renders_total", outcome="provisional") == provisional
    for number in (6, 7):
        path = shop.canonical_path(cold(shop, number), "maxWidth=300&format=jpg")
        final = shop.get(path)
        assert_final(final, path)
        assert packed[COLD[number]] == (final.content, crc32(final.content))


def serial_of(service: Service, guid: str) -> str:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (serial,) = catalog.execute("SELECT serial FROM assets WHERE id = ?", (guid,)).fetchone()
    return str(serial)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 10)


def turn_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def fill_with_zeros(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


@pytest.mark.parametrize(
    ("number", "harm"), [(200, Path.unlink), (201, cut), (202, turn_a_bit), (203, fill_with_zeros)]
)
def test_a_pyramid_that_is_harmed_heals(shop: Service, number: int, harm: Callable[[Path], None]) -> None:
    """Never a wrong picture, never a failure; in the end the same bytes as before."""
    data = picture(number)
    guid = shop.add_prepared(data, "warm.jpg")
    path = shop.canonical_path(guid, "width=300&format=jpg")
    before = shop.get(path)
    forget_rendition(shop, path)
    files = level_files(shop, data)
    for file in files:
        harm(file)

    other = shop.get(shop.canonical_path(guid, "width=200&format=jpg"))
    after = become_final(shop, path)

    assert len(files) >= 2
    assert other.status_code == 200
    assert_shows_it(other)
    assert_final(after, path)
    assert after.content == before.content


def forget_rendition(service: Service, path: str) -> None:
    """As eviction does: its file is gone."""
    for file in (service.data / "derivatives").glob(f"??/??/{key_of(path)}.*"):
        file.unlink()


def test_deleting_an_asset_takes_its_levels_with_it(shop: Service) -> None:
    """Their files too: they show nearly all that the original did."""
    data = picture(300)
    guid = shop.add_prepared(data, "warm.jpg")
    files = level_files(shop, data)
    assert files != []

    serials = json.dumps([serial_of(shop, guid)])
    answer = shop.client.request("DELETE", "/struct/assets", headers=KEY, content=serials)

    assert answer.is_success, answer.text
    poll(lambda: not any(file.exists() for file in files), for_what="the levels to go")
    assert level_files(shop, data) == []


def test_it_does_not_matter_what_was_there_first(shop: Service, tmp_path: Path) -> None:
    """Two services: one has the pyramid before anybody asks, the other answers provisionally first. The same bytes."""
    queries = [f"width=300&format={name}" for name in ("jpg", "png", "webp")]
    queries += ["width=333&height=222&mode=crop&format=jpg", "width=640&format=webp"]
    with serving(tmp_path / "data", workers=1) as other:
        (tmp_path / "cold").mkdir()
        import_cold(other, tmp_path / "cold", range(1))
        paths = [other.canonical_path(cold(other, 0), query) for query in queries]
        first = other.get(paths[0])
        there = [become_final(other, path) for path in paths]
    warmed = shop.add_prepared(picture(0), "warm.jpg")

    for query, path, answer in zip(queries, paths, there, strict=True):
        here = shop.get(shop.canonical_path(warmed, query))
        assert answer.headers["etag"] == here.headers["etag"] == f'"{key_of(path)}"'
        assert answer.content == here.content
    assert_provisional(first, paths[0])
    assert first.content != there[0].content


def test_without_pyramids_nothing_is_provisional(tmp_path: Path) -> None:
    """IMGSVC_PYRAMID_BYTES=0: final at once, under other keys, for the bytes are others; levels of before go."""
    data = picture(0)
    with serving(tmp_path / "data", workers=1) as service:
        guid = service.add_prepared(data, "warm.jpg")
        with_pyramids = service.canonical_path(guid, "width=300&format=jpg")
        final = service.get(with_pyramids)
    assert any((tmp_path / "data" / "pyramids").glob("??/??/*"))

    with serving(tmp_path / "data", workers=1, pyramid_bytes="0") as service:
        service.add(picture(1))
        (tmp_path / "cold").mkdir()
        import_cold(service, tmp_path / "cold", range(3))
        paths = [service.canonical_path(one, "width=300&format=jpg") for one in (guid, cold(service, 2))]
        answers = [service.get(path) for path in paths for _ in range(2)]
        old = service.get(with_pyramids)

        assert service.metric("imgsvc_pyramids_total") == 0
        assert service.metric("imgsvc_renders_total", outcome="provisional") == 0
    for path, answer in zip([path for path in paths for _ in range(2)], answers, strict=True):
        assert_final(answer, path)
    assert key_of(paths[0]) != key_of(with_pyramids)
    assert answers[0].content != final.content
    # The canonical URL of before leads to that of now.
    assert old.status_code == 303
    assert not any((tmp_path / "data" / "pyramids").glob("??/??/*"))


def test_room_for_less_than_one_pyramid_still_answers_everything(tmp_path: Path) -> None:
    """IMGSVC_PYRAMID_BYTES of a kilobyte: provisionally or for good, but rightly, archives too."""
    with serving(tmp_path / "data", workers=1, pyramid_bytes="1KB") as service:
        guid = service.add(picture(0))
        answers = [service.get(f"/images/{guid}.jpg?width={width}") for width in (100, 200, 300, 400, 700) * 2]
        archive = service.client.post(
            "/struct/assets/batch/data?maxWidth=310&format=jpg",
            headers=KEY,
            content=json.dumps([serial_of(service, guid)]),
        )

        assert len(level_files(service, picture(0))) <= 1
    assert [answer.status_code for answer in answers] == [200] * 10
    assert [decode(answer.content).width for answer in answers] == [100, 200, 300, 400, 700] * 2
    for answer in answers:
        assert_shows_it(answer)
    with zipfile.ZipFile(BytesIO(archive.content)) as opened:
        assert opened.testzip() is None
        assert decode(opened.read(opened.namelist()[0])).width == 310


@cache
def huge() -> bytes:
    """Its pyramid takes a second or so: hardly less than the largest that is taken in."""
    return originals.quadrants(9900, 9900).pngsave_buffer(compression=1, keep=pyvips.ForeignKeep.NONE)


def test_a_building_that_is_killed_heals(tmp_path: Path) -> None:
    """The worker with kill -9: another one builds it. Then the broker: the next one builds it when it is asked for."""
    with serving(tmp_path / "data", workers=1, render_workers="1") as service:
        guid = service.add(huge())
        os.kill(service.busy_worker(), signal.SIGKILL)
        poll(lambda: "built" in pyramid_events(service, huge()), for_what="the pyramid")
        path = service.canonical_path(guid, "width=300&format=jpg")
        first = service.get(path)
        forget_rendition(service, path)
        for file in level_files(service, huge()):
            file.unlink()

        waiting = service.connect()
        waiting.request("GET", service.canonical_path(guid, "width=310&format=jpg"))
        service.busy_worker()
        os.kill(service.broker(), signal.SIGKILL)
        status, _, data = read(waiting)
        poll(lambda: is_ready(service), for_what="a new broker")
        again = become_final(service, path)

        crashes = [event for event in service.events() if event["event"] == "render.crashed"]
        assert list((service.data / "pyramids" / "scratch").iterdir()) == []
    assert [event["attempt"] for event in crashes] == [1]
    assert (status, decode(data).width) == (200, 310)
    assert_final(again, path)
    assert again.content == first.content
