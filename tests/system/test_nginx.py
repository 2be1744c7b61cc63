"""nginx in front, with `deploy/nginx.conf`: what it sends from the disk by itself, what it leaves to the service."""

import os
import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from imgsvc.core.formats import FORMATS, file_extension
from tests import originals
from tests.edges import Edge, counting, halted, nginx
from tests.servers import TOKEN, Service, poll, serving
from tests.system.test_canonical import IMMUTABLE, derivative_path

LARGE = "width=1000&format=bmp"
"""Longer than what the service reads whole."""

_OF_ONE_ANSWER = {"date", "server", "connection", "last-modified", "server-timing"}
_OF_THE_SERVICE = _OF_ONE_ANSWER | {"surrogate-key", "cache-tag"}
"""A file has none of them, but for a time of its own."""


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """Without pyramids, so that no answer is provisional."""
    data = tmp_path_factory.mktemp("behind") / "data"
    with serving(data, workers=1, accel_redirect="/_imgsvc/", pyramid_bytes="0") as service:
        yield service


@pytest.fixture(scope="module")
def edge(behind: Service, tmp_path_factory: pytest.TempPathFactory) -> Generator[Edge]:
    with nginx(behind, tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture(scope="module")
def keeping(behind: Service, tmp_path_factory: pytest.TempPathFactory) -> Generator[Edge]:
    """With its own cache."""
    with nginx(behind, tmp_path_factory.mktemp("keeping"), keeps=True) as running:
        yield running


@pytest.fixture(scope="module")
def blind(behind: Service, tmp_path_factory: pytest.TempPathFactory) -> Generator[Edge]:
    """It looks for the service's files where none are."""
    folder = tmp_path_factory.mktemp("blind")
    with nginx(behind, folder, data=folder / "elsewhere") as running:
        yield running


@pytest.fixture(scope="module")
def picture(behind: Service) -> str:
    return behind.add(originals.png(1200, 800), "Red Shirt.png")


@pytest.fixture(scope="module")
def urls(behind: Service, picture: str) -> list[str]:
    """A derivative under two URLs, and an original; each is large."""
    film = behind.add(bytes(range(256)) * 4000, "film.mp4")
    return [f"/images/{picture}.bmp?{LARGE}", f"{behind.media_path(picture)}?{LARGE}", behind.media_path(film)]


def on_disk(behind: Service, edge: Edge, guid: str, query: str) -> str:
    """A canonical URL that was asked for once."""
    canonical = behind.canonical_path(guid, query)
    assert edge.get(canonical).status_code == 200
    return canonical


class TestFromTheDisk:
    @pytest.mark.parametrize("output", [one for one, row in FORMATS.items() if row.encodes])
    def test_what_was_made_once_is_sent_without_the_service(
        self, behind: Service, edge: Edge, picture: str, output: str
    ) -> None:
        """In every format: the bytes and the headers that the service itself sends."""
        canonical = behind.canonical_path(picture, f"width=120&format={output}")
        with counting(behind, "images") as first:
            missed = edge.get(canonical)
        with counting(behind, "images") as later:
            sent = [edge.get(canonical) for _ in range(3)]

        itself = behind.get(canonical)

        assert (*first, *later) == (1, 0)
        assert {answer.content for answer in (missed, *sent)} == {itself.content}
        told = {name: value for name, value in itself.headers.items() if name not in _OF_THE_SERVICE}
        for answer in sent:
            assert answer.status_code == 200
            assert {name: answer.headers.get(name) for name in told} == told

    def test_every_format_has_its_own_extension_there(self) -> None:
        """`tif` and not `tiff`: the table of nginx.conf and ours name the same files."""
        assert {file_extension(one) for one, row in FORMATS.items() if row.encodes} == {
            "avif", "bmp", "gif", "jpg", "png", "tif", "webp"
        }  # fmt: skip

    def test_the_service_may_be_down(self, behind: Service, edge: Edge, picture: str) -> None:
        """GET and HEAD."""
        canonical = on_disk(behind, edge, picture, "width=121")
        with halted(behind):
            answer, head = edge.get(canonical), edge.client.head(canonical)

        assert (answer.status_code, head.status_code, head.content) == (200, 200, b"")
        assert head.headers["content-length"] == str(len(answer.content))
        assert head.headers["etag"] == answer.headers["etag"]

    def test_it_keeps_no_answer_of_a_miss(self, behind: Service, edge: Edge, picture: str) -> None:
        """What is evicted is made again."""
        canonical = on_disk(behind, edge, picture, "width=122")
        content = edge.get(canonical).content
        derivative_path(behind, canonical).unlink()

        again = edge.get(canonical)

        assert (again.status_code, again.content) == (200, content)
        assert derivative_path(behind, canonical).read_bytes() == content

    def test_a_date_alone_is_compared_with_the_files_own(self, behind: Service, edge: Edge, picture: str) -> None:
        canonical = on_disk(behind, edge, picture, "width=123")
        answer = edge.get(canonical)

        again = edge.get(canonical, if_modified_since=answer.headers["last-modified"])

        assert (again.status_code, again.headers["etag"]) == (304, answer.headers["etag"])

    def test_a_derivative_is_readable_for_nginx(self, behind: Service, edge: Edge, picture: str) -> None:
        """Which is another user; here by the mode alone."""
        path = derivative_path(behind, on_disk(behind, edge, picture, "width=124"))

        assert path.stat().st_mode & 0o044 == 0o044 & ~_umask()


class TestLeftToTheService:
    """On URLs that are on the disk."""

    @pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
    def test_an_etag_is_confirmed(self, behind: Service, edge: Edge, picture: str, form: str) -> None:
        """304, which says nothing of a Content-Type that a cache would take over."""
        canonical = on_disk(behind, edge, picture, "width=130")
        etag = edge.get(canonical).headers["etag"]

        answer = edge.get(canonical, if_none_match=form.format(etag))

        assert (answer.status_code, answer.content) == (304, b"")
        assert (answer.headers["etag"], answer.headers["cache-control"]) == (etag, IMMUTABLE)
        assert "content-type" not in answer.headers
        assert "content-length" not in answer.headers

    def test_another_etag_is_not(self, behind: Service, edge: Edge, picture: str) -> None:
        canonical = on_disk(behind, edge, picture, "width=130")

        assert edge.get(canonical, if_none_match='"other"').status_code == 200

    def test_a_range(self, behind: Service, edge: Edge, picture: str) -> None:
        """With If-Range, too."""
        canonical = on_disk(behind, edge, picture, "width=131")
        whole = edge.get(canonical)

        part = edge.get(canonical, range="bytes=10-19", if_range=whole.headers["etag"])
        other = edge.get(canonical, range="bytes=10-19", if_range='"other"')

        assert (part.status_code, part.content) == (206, whole.content[10:20])
        assert (other.status_code, other.content) == (200, whole.content)

    def test_a_range_that_is_not_there_is_refused_for_this_once(
        self, behind: Service, edge: Edge, picture: str
    ) -> None:
        """`immutable` on it would let a cache in front keep the refusal for a year."""
        canonical = on_disk(behind, edge, picture, "width=131")

        answer = edge.get(canonical, range="bytes=9999999-")

        assert (answer.status_code, answer.headers["cache-control"]) == (416, "no-store")

    def test_a_download(self, behind: Service, edge: Edge, picture: str) -> None:
        canonical = on_disk(behind, edge, picture, "width=132")

        answer = edge.get(f"{canonical}?download=true")

        assert answer.headers["content-disposition"] == 'attachment; filename="red-shirt.png"'

    def test_another_method(self, behind: Service, edge: Edge, picture: str) -> None:
        """405 with Allow, in the words of the service."""
        answer = edge.client.post(on_disk(behind, edge, picture, "width=133"))

        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
        assert "GET" in answer.headers["allow"]

    def test_a_key_that_is_not_the_variants(self, behind: Service, edge: Edge, picture: str) -> None:
        """It redirects to nginx' own address."""
        canonical = on_disk(behind, edge, picture, "width=134")

        answer = edge.get(canonical.replace(canonical.split("/")[4], "0" * 32))

        assert (answer.status_code, answer.headers["location"]) == (303, edge.url + canonical)

    def test_a_drawing(self, behind: Service, edge: Edge) -> None:
        """Nothing in it runs."""
        guid = behind.add(originals.svg(), "drawing.svg")

        answer = edge.get(f"/images/{guid}.svg")

        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")

    @pytest.mark.parametrize(
        ("path", "status"), [("/images/{}.png?width=-1", 400), ("/images/nobody.png", 404), ("/nowhere", 404)]
    )
    def test_a_failure(self, edge: Edge, picture: str, path: str, status: int) -> None:
        """In its own words, for nobody to keep."""
        answer = edge.get(path.format(picture))

        assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")
        assert answer.headers["content-type"] == "application/problem+json"

    def test_a_failure_that_passes(self, behind: Service, edge: Edge) -> None:
        """503 with Retry-After: the original is not to be read."""
        guid = behind.add(originals.png(90, 61))
        lose_original(behind, guid)

        answer = edge.get(behind.media_path(guid))

        assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
        assert int(answer.headers["retry-after"]) > 0

    def test_uploads(self, edge: Edge) -> None:
        """URLs in the answer are nginx' own. One without a token is refused before it is read."""
        data = originals.png(1500, 1500)
        sent = {"Filename": ("large.png", data)}

        refused = edge.client.post("/iqmetrix/assets", files=sent)
        taken = edge.client.post("/iqmetrix/assets", files=sent, headers={"Authorization": f"Bearer {TOKEN}"})

        assert (refused.status_code, taken.status_code) == (401, 201)
        assert taken.json()["href"].startswith(f"{edge.url}/images/")


class TestWhatIsNotShown:
    def test_the_services_numbers(self, edge: Edge) -> None:
        assert edge.get("/metrics").status_code == 404

    @pytest.mark.parametrize("path", ["catalog.sqlite", "signing.key", "derivatives/index.sqlite", "originals/lock"])
    def test_the_services_folder(self, edge: Edge, path: str) -> None:
        """The location is internal."""
        assert edge.get(f"/_imgsvc/{path}").status_code == 404


class TestReplaced:
    def test_the_old_url_shows_the_old_picture_while_its_file_is_there(
        self, behind: Service, edge: Edge, tmp_path: Path
    ) -> None:
        """Which is what it names. Other URLs show the new one at once, and so does this one when the file has gone."""
        guid, other = behind.add(originals.png(300, 200)), tmp_path / "other.png"
        other.write_bytes(originals.png(200, 300))
        old = on_disk(behind, edge, guid, "width=140")
        content = edge.get(old).content
        assert behind.command("replace", guid, str(other)).returncode == 0

        kept = edge.get(old)
        derivative_path(behind, old).unlink()
        gone = edge.get(old)

        assert (kept.status_code, kept.content) == (200, content)
        assert edge.get(f"/images/{guid}.png?width=140").content != content
        assert (gone.status_code, gone.headers["location"]) == (
            303,
            edge.url + behind.canonical_path(guid, "width=140"),
        )

    def test_what_was_deleted_is_not_shown_any_more(self, behind: Service, edge: Edge) -> None:
        """Its derivatives go with it."""
        guid = behind.add(originals.png(301, 200))
        canonical = on_disk(behind, edge, guid, "width=141")

        deleted = edge.client.delete(f"/struct/assets/{guid}", headers={"Authorization": TOKEN})

        assert deleted.status_code == 200
        assert edge.get(canonical).status_code == 404


class TestAccelRedirect:
    def test_the_service_says_which_file(self, behind: Service, urls: list[str]) -> None:
        """To a proxy that says it can; to others it sends the bytes."""
        for url in urls:
            whole, told = behind.get(url), behind.get(url, x_sendfile_type="X-Accel-Redirect")

            path = behind.data / told.headers["x-accel-redirect"].removeprefix("/_imgsvc/")
            assert path.read_bytes() == whole.content
            assert (told.status_code, told.content) == (200, b"")
            assert "x-accel-redirect" not in whole.headers

    def test_nginx_sends_it_as_the_service_would(self, behind: Service, edge: Edge, urls: list[str]) -> None:
        """All headers are there, and X-Accel-Redirect is not."""
        for url in urls:
            whole, sent = behind.get(url), edge.get(url)

            told = {name: value for name, value in whole.headers.items() if name not in ("date", "server-timing")}
            assert sent.content == whole.content
            assert {name: sent.headers.get(name) for name in told} == told
            assert "x-accel-redirect" not in sent.headers

    def test_a_canonical_url_that_asks_more(self, behind: Service, edge: Edge, picture: str) -> None:
        canonical = on_disk(behind, edge, picture, LARGE)
        whole = edge.get(canonical)

        saved = edge.get(f"{canonical}?download=true")
        part = edge.get(canonical, range="bytes=100-199")

        assert saved.content == whole.content
        assert saved.headers["content-disposition"] == 'attachment; filename="red-shirt.bmp"'
        assert saved.headers["cache-control"] == IMMUTABLE
        assert (part.status_code, part.content) == (206, whole.content[100:200])

    def test_ranges(self, edge: Edge, urls: list[str]) -> None:
        """One, the last bytes, several, and whether If-Range holds."""
        for url in urls:
            whole = edge.get(url)
            etag, content = whole.headers["etag"], whole.content

            one = edge.get(url, range="bytes=1000-1999", if_range=etag)
            last = edge.get(url, range="bytes=-7")
            several = edge.get(url, range="bytes=0-9,20-29")
            other = edge.get(url, range="bytes=1000-1999", if_range='"other"')
            beyond = edge.get(url, range="bytes=99999999-")

            assert (one.status_code, one.content) == (206, content[1000:2000])
            assert one.headers["content-range"] == f"bytes 1000-1999/{len(content)}"
            assert (one.headers["etag"], one.headers["content-type"]) == (etag, whole.headers["content-type"])
            assert (last.status_code, last.content) == (206, content[-7:])
            assert several.status_code == 206
            assert content[:10] in several.content
            assert content[20:30] in several.content
            assert (other.status_code, other.content) == (200, content)
            assert (beyond.status_code, beyond.headers["cache-control"]) == (416, "no-store")

    def test_preconditions(self, edge: Edge, urls: list[str]) -> None:
        """Judged by the service, where nginx would judge by the file's own time; an original alone tells its own."""
        for url in urls:
            etag = edge.get(url).headers["etag"]

            assert edge.get(url, if_none_match=etag).status_code == 304
            assert edge.get(url, if_none_match='"other"').status_code == 200
            assert edge.get(url, if_match=etag).status_code == 200
        modified = poll(
            lambda: edge.get(urls[-1]).headers.get("last-modified"), for_what="the second of its upload to end"
        )
        assert edge.get(urls[-1], if_modified_since=modified).status_code == 304
        assert edge.get(urls[-1], if_unmodified_since=modified).status_code == 200

    def test_a_head(self, edge: Edge, urls: list[str]) -> None:
        for url in urls:
            head, whole = edge.client.head(url), edge.get(url)

            assert head.status_code == 200
            assert head.headers["content-length"] == str(len(whole.content))
            assert head.headers["etag"] == whole.headers["etag"]

    def test_a_file_that_nginx_does_not_find_is_sent_by_the_service(
        self, behind: Service, blind: Edge, edge: Edge, picture: str, urls: list[str]
    ) -> None:
        """It was evicted in between, or nginx looks in another place."""
        for url in (*urls, behind.canonical_path(picture, LARGE)):
            answer = blind.get(url)

            assert (answer.status_code, answer.content) == (200, edge.get(url).content)


class TestOwnCache:
    """With the lines that begin with `#cache `."""

    def test_an_answer_is_kept(self, behind: Service, keeping: Edge, picture: str) -> None:
        """Its Date stays, and tells how old it is."""
        path = f"{behind.media_path(picture)}?width=150"
        with counting(behind, "media") as asked:
            answers = [keeping.get(path) for _ in range(3)]
            heads = [keeping.client.head(path), keeping.get(path, if_none_match=answers[0].headers["etag"])]

        assert asked == [1]
        assert len({(answer.headers["date"], answer.content) for answer in answers}) == 1
        assert [head.status_code for head in heads] == [200, 304]
        assert heads[0].headers["date"] == answers[0].headers["date"]

    def test_one_asks_for_all(self, behind: Service, keeping: Edge, picture: str) -> None:
        """Twenty at once of a picture that is not there."""
        path = f"{behind.media_path(picture)}?width=151"
        with counting(behind, "media") as asked, ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(keeping.get, [path] * 20))

        assert asked == [1]
        assert {answer.status_code for answer in answers} == {200}

    @pytest.mark.parametrize("path", ["/images/nobody.png?width=1", "/iqmetrix/assets/{}"])
    def test_failures_and_answers_of_apis_are_not(
        self, behind: Service, keeping: Edge, picture: str, path: str
    ) -> None:
        with counting(behind, path.split("/")[1]) as asked:
            for _ in range(3):
                keeping.get(path.format(picture))

        assert asked == [3]

    def test_an_answer_is_kept_for_those_it_is_for(self, behind: Service, keeping: Edge) -> None:
        """Where the service says that it varies."""
        path = f"{behind.media_path(behind.add(originals.jpeg(300, 200)))}?format=auto&width=100"
        with counting(behind, "media") as asked:
            answers = [keeping.get(path, accept=accept) for accept in ("image/webp,*/*", "*/*") * 2]

        assert asked == [2]
        assert [answer.headers["content-type"] for answer in answers] == ["image/webp", "image/jpeg"] * 2

    def test_what_is_asked_with_a_token_is_not(self, behind: Service, keeping: Edge, picture: str) -> None:
        path = f"{behind.media_path(picture)}?width=152"
        with counting(behind, "media") as asked:
            for _ in range(3):
                keeping.get(path, authorization=TOKEN)

        assert asked == [3]

    def test_what_is_shown_for_some_time_only_is_not(self, behind: Service, keeping: Edge, picture: str) -> None:
        """The signature that says so is the service's to judge."""
        path = f"{behind.media_path(picture)}?width=155&Expires=4102444800"
        with counting(behind, "media") as asked:
            for _ in range(3):
                keeping.get(path)

        assert asked == [3]

    def test_ranges_are_judged_by_the_service(self, behind: Service, keeping: Edge, picture: str) -> None:
        """Whatever is kept."""
        path = f"{behind.media_path(picture)}?width=153"
        whole = keeping.get(path)

        part, beyond = keeping.get(path, range="bytes=5-9"), keeping.get(path, range="bytes=9999999-")

        assert (part.status_code, part.content) == (206, whole.content[5:10])
        assert (beyond.status_code, beyond.headers["cache-control"]) == (416, "no-store")

    def test_canonical_urls_are_not_kept_twice(self, behind: Service, keeping: Edge, picture: str) -> None:
        """They are on the disk; what is evicted there goes."""
        canonical = on_disk(behind, keeping, picture, "width=154")
        derivative_path(behind, canonical).unlink()

        with counting(behind, "images") as asked:
            assert keeping.get(canonical).status_code == 200

        assert asked == [1]

    def test_an_old_answer_is_better_than_none(self, tmp_path: Path) -> None:
        """Its time is over and the service does not answer."""
        folder = tmp_path / "nginx"
        folder.mkdir()
        with serving(tmp_path / "data", workers=1, max_age="1") as service, nginx(service, folder, keeps=True) as edge:
            path = service.media_path(service.add(originals.png(90, 60)))
            first = edge.get(path)
            with halted(service):
                old = poll(lambda: _too_old(edge.get(path)), for_what="its time to be over")
            newer = poll(lambda: _of_another_date(edge.get(path), than=old), for_what="another")

        assert (old.status_code, old.content) == (200, first.content)
        assert (newer.status_code, newer.content) == (200, first.content)


def _too_old(answer: httpx.Response) -> httpx.Response | None:
    """It where it came from the service longer ago than anybody may keep it, by a second."""
    age = datetime.now(UTC) - parsedate_to_datetime(answer.headers["date"])
    return answer if age > timedelta(seconds=2) else None


def _of_another_date(answer: httpx.Response, *, than: httpx.Response) -> httpx.Response | None:
    return answer if answer.headers["date"] != than.headers["date"] else None


def lose_original(service: Service, guid: str) -> None:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (digest,) = catalog.execute("SELECT digest FROM assets WHERE id = ?", (guid,)).fetchone()
    (service.data / "originals" / digest[:2] / digest[2:4] / digest).unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
