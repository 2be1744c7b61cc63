"""Varnish in front, with `deploy/varnish.vcl`: what it keeps, for how long, and how it is made to forget."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest

from tests import originals
from tests.edges import Edge, counting, halted, varnish
from tests.servers import TOKEN, Service, poll, serving
from tests.system.test_nginx import lose_original


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """Without pyramids, so that no answer is provisional; browsers are to ask each time, and Varnish is not."""
    data = tmp_path_factory.mktemp("behind") / "data"
    ages = {"max_age": "0", "shared_max_age": "300"}
    with serving(data, workers=1, accel_redirect="/_imgsvc/", pyramid_bytes="0", **ages) as service:
        yield service


@pytest.fixture(scope="module")
def edge(behind: Service, tmp_path_factory: pytest.TempPathFactory) -> Generator[Edge]:
    with varnish(behind, tmp_path_factory.mktemp("varnish")) as running:
        yield running


@pytest.fixture(scope="module")
def picture(behind: Service) -> str:
    """Its path."""
    return behind.media_path(behind.add(originals.png(1200, 800)))


def purge(edge: Edge, path: str, **headers: str) -> httpx.Response:
    """Header names with `_` for `-`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return edge.client.request("PURGE", path, headers=sent)


def asked_by(edge: Edge, behind: Service, path: str, **headers: str) -> int:
    """How many requests of that picture reach the service while it is asked for three times."""
    with counting(behind, path.split("/")[1]) as asked:
        for _ in range(3):
            edge.get(path, **headers)
    return asked[0]


class TestKept:
    def test_an_answer_is_kept(self, behind: Service, edge: Edge, picture: str) -> None:
        """HEAD, 304 and ranges are made of it."""
        path = f"{picture}?width=200"
        whole = edge.get(path)

        with counting(behind, "media") as asked:
            head = edge.client.head(path)
            held = edge.get(path, if_none_match=whole.headers["etag"])
            part = edge.get(path, range="bytes=10-19")

        assert asked == [0]
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))
        assert (held.status_code, held.headers["etag"]) == (304, whole.headers["etag"])
        assert (part.status_code, part.content) == (206, whole.content[10:20])

    def test_it_is_as_the_service_sent_it(self, behind: Service, edge: Edge, picture: str) -> None:
        """With an Age that grows, and without what is meant for Varnish alone."""
        path = f"{picture}?width=201"
        itself, answer = behind.get(path), edge.get(path)

        told = {name: value for name, value in itself.headers.items() if name not in _OF_ONE_ANSWER}
        assert answer.content == itself.content
        assert {name: answer.headers.get(name) for name in told} == told
        assert "surrogate-key" not in answer.headers
        assert poll(lambda: int(edge.get(path).headers["age"]) > 0, for_what="an age of a second")

    def test_one_asks_for_all(self, behind: Service, edge: Edge, picture: str) -> None:
        """Twenty at once of a picture that is not there."""
        path = f"{picture}?width=202"
        with counting(behind, "media") as asked, ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(edge.get, [path] * 20))

        assert asked == [1]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1

    def test_a_redirect_is_kept(self, behind: Service, edge: Edge, picture: str) -> None:
        """With Varnish' own address in it."""
        guid = behind.add(originals.png(90, 70))

        assert asked_by(edge, behind, f"/images/{guid}?width=50") == 1
        assert edge.get(f"/images/{guid}?width=50").headers["location"].startswith(f"{edge.url}/images/{guid}/")

    def test_a_large_file_has_its_bytes(self, behind: Service, edge: Edge, picture: str) -> None:
        """Also where a client says of itself what nginx would."""
        path = f"{picture}?width=1000&format=bmp"

        answer = edge.get(path, x_sendfile_type="X-Accel-Redirect")

        assert answer.content == behind.get(path).content

    def test_cookies_do_not_matter(self, behind: Service, edge: Edge, picture: str) -> None:
        assert asked_by(edge, behind, f"{picture}?width=203", cookie="session=1") == 1

    @pytest.mark.parametrize("accept", ["image/png", "*/*", "image/avif,image/webp,*/*;q=0.8", "image/webp,image/*"])
    def test_what_does_not_vary_is_kept_once(self, behind: Service, edge: Edge, picture: str, accept: str) -> None:
        """Whatever a client accepts."""
        path = f"{picture}?width=204"
        edge.get(path)

        assert asked_by(edge, behind, path, accept=accept) == 0


CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
FIREFOX = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
SAFARI = (
    "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/*;q=0.8,*/*;q=0.5"
)
OLDER = "image/webp,*/*"
OLD = "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
WEIGHED = "image/avif;q=0.1,image/webp;q=0.2,image/*"


class TestNegotiated:
    def test_three_answers_are_kept_for_all_browsers(self, behind: Service, edge: Edge) -> None:
        """Each what its Accept header asks for, and as the service itself answers it."""
        path = f"{behind.media_path(behind.add(originals.jpeg(300, 200)))}?format=auto&width=100"
        accepts = (CHROME, FIREFOX, SAFARI, OLDER, OLD, "*/*")
        itself = {accept: behind.get(path, accept=accept).headers["content-type"] for accept in accepts}

        with counting(behind, "media") as asked:
            answers = {accept: edge.get(path, accept=accept).headers["content-type"] for accept in accepts}

        assert answers == itself
        assert set(answers.values()) == {"image/avif", "image/webp", "image/jpeg"}
        assert asked == [3]

    def test_who_weighs_is_read_by_the_service(self, behind: Service, edge: Edge) -> None:
        """Varnish leaves it as it is."""
        path = f"{behind.media_path(behind.add(originals.jpeg(300, 201)))}?format=auto&width=100"

        browser, weighed = edge.get(path, accept=CHROME), edge.get(path, accept=WEIGHED)

        itself = behind.get(path, accept=WEIGHED)
        assert weighed.headers["content-type"] == itself.headers["content-type"]
        assert weighed.headers["content-type"] != browser.headers["content-type"]


class TestNotKept:
    def test_what_is_asked_with_a_token(self, behind: Service, edge: Edge, picture: str) -> None:
        assert asked_by(edge, behind, f"{picture}?width=210", authorization=TOKEN) == 3

    def test_answers_of_apis(self, behind: Service, edge: Edge, picture: str) -> None:
        """Those without a token, too."""
        guid = behind.add(originals.png(91, 70))

        assert asked_by(edge, behind, f"/iqmetrix/assets/{guid}") == 3

    def test_failures(self, behind: Service, edge: Edge) -> None:
        """They come through in the service's own words."""
        path = "/media/nobody00/nothing.png"

        answer = edge.get(path)

        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert asked_by(edge, behind, path) == 3

    def test_a_failure_that_passes(self, behind: Service, edge: Edge) -> None:
        """503 with Retry-After: the original is not to be read."""
        guid = behind.add(originals.png(92, 70))
        path = behind.media_path(guid)
        lose_original(behind, guid)

        answer = edge.get(path)

        assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
        assert int(answer.headers["retry-after"]) > 0
        assert asked_by(edge, behind, path) == 3

    def test_uploads(self, edge: Edge) -> None:
        answer = edge.client.post(
            "/iqmetrix/assets",
            headers={"Authorization": f"Bearer {TOKEN}"},
            files={"Filename": ("large.png", originals.png(1500, 1500))},
        )

        assert answer.status_code == 201

    @pytest.mark.parametrize(
        "path", ["/metrics", "/metrics?x", "/%6detrics", "/metric%73?x", "http://shop.example/metrics"]
    )
    def test_the_services_numbers_are_not_shown(self, edge: Edge, path: str) -> None:
        """However their path is spelled."""
        address = urlsplit(edge.url)
        with closing(HTTPConnection(address.hostname or "", address.port)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()

        assert answer.status == 404


class TestPurged:
    def test_a_url(self, behind: Service, edge: Edge, picture: str) -> None:
        """That one alone."""
        path, other = f"{picture}?width=220", f"{picture}?width=221"
        for one in (path, other):
            edge.get(one)

        purged = purge(edge, path)

        assert (purged.status_code, purged.headers["purged"]) == (200, "1")
        assert (asked_by(edge, behind, path), asked_by(edge, behind, other)) == (1, 0)

    def test_a_url_softly(self, behind: Service, edge: Edge, picture: str) -> None:
        """What was kept is sent while the service does not answer, and another is fetched when it does."""
        path = f"{picture}?width=222"
        first = edge.get(path)
        poll(lambda: int(edge.get(path).headers["age"]) > 0, for_what="an age of a second")

        with halted(behind):
            purged = purge(edge, path, soft_purge="1")
            old = edge.get(path)
        newer = poll(lambda: _of_another_fetch(edge.get(path), than=old), for_what="another")

        assert (purged.status_code, purged.headers["purged"]) == (200, "1")
        assert (old.status_code, old.content) == (200, first.content)
        assert (newer.status_code, newer.content) == (200, first.content)

    @pytest.mark.parametrize("name", ["Expires", "%65xpires", "expire%73"])
    def test_a_signature_is_not_stretched(self, behind: Service, edge: Edge, picture: str, name: str) -> None:
        """What may be shown for some time only is not sent when its time is over: it is asked for first."""
        path = f"{picture}?width=224&{name}=4102444800"
        first = edge.get(path)
        poll(lambda: int(edge.get(path).headers["age"]) > 0, for_what="an age of a second")

        purge(edge, path, soft_purge="1")

        assert edge.get(path).headers["date"] != first.headers["date"]

    def test_a_tag(self, behind: Service, edge: Edge) -> None:
        """All URLs of the asset, and no other's; the service tells the tags."""
        guids = [behind.add(originals.png(93, 70)), behind.add(originals.png(94, 70))]
        paths = [f"{behind.media_path(guid)}?width={width}" for guid in guids for width in (40, 41)]
        for path in paths:
            edge.get(path)
        (tag,) = {one for one in behind.get(paths[0]).headers["surrogate-key"].split() if guids[0] in one}

        purged = purge(edge, "/", surrogate_key=f"something-else {tag}")

        assert purged.status_code == 200
        assert [asked_by(edge, behind, path) for path in paths] == [1, 1, 0, 0]

    def test_a_tag_that_only_begins_alike_is_another(self, behind: Service, edge: Edge) -> None:
        guid = behind.add(originals.png(95, 70))
        path = behind.media_path(guid)
        edge.get(path)

        purge(edge, "/", surrogate_key=f"asset-{guid[:-1]} asset")

        assert asked_by(edge, behind, path) == 0

    @pytest.mark.parametrize("tags", ["a.*", 'a" || obj.http.etag ~ "', "a  b", "(", "a|b"])
    def test_what_is_no_tag_is_refused(self, edge: Edge, tags: str) -> None:
        assert purge(edge, "/", surrogate_key=tags).status_code == 400

    def test_nobody_purges_by_way_of_a_proxy(self, behind: Service, edge: Edge, picture: str) -> None:
        """Who is asked first has the address of a friend."""
        path = f"{picture}?width=223"
        edge.get(path)

        refused = [
            purge(edge, path, x_forwarded_for="203.0.113.9"),
            purge(edge, "/", x_forwarded_for="203.0.113.9", surrogate_key="asset"),
        ]

        assert [answer.status_code for answer in refused] == [403, 403]
        assert asked_by(edge, behind, path) == 0


_OF_ONE_ANSWER = {"date", "server", "connection", "server-timing", "surrogate-key"}


def _of_another_fetch(answer: httpx.Response, *, than: httpx.Response) -> httpx.Response | None:
    return answer if answer.headers["date"] != than.headers["date"] else None
