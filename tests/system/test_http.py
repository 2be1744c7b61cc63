"""HTTP as caches, browsers and strangers speak it: validators, ranges, headers, and refusals that say what is wrong."""

import json
import socket
import subprocess
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
import pytest

from tests import originals
from tests.servers import Service, poll
from tests.web.test_ranges import read_parts

NOBODY = "00000000-0000-4000-8000-000000000000"
YEAR = "public, max-age=31536000, immutable"
LONG_AGO = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.fixture(scope="session")
def picture(shared_service: Service) -> str:
    """400 x 300 px, PNG."""
    return shared_service.add(originals.png(), "Red Shirt.png")


@pytest.fixture(scope="session")
def large(shared_service: Service) -> tuple[str, bytes]:
    """The URL and the bytes of a rendition that is streamed in more than two chunks, 2.9 MB."""
    path = f"/images/{shared_service.add(originals.png(1200, 800))}.bmp?quality=1"
    return path, shared_service.get(path).content


class TestValidators:
    """RFC 9110, sections 8.8 and 13."""

    def test_the_etag_is_the_key_of_the_canonical_url(self, service: Service, picture: str) -> None:
        """Strong: equal keys, equal bytes."""
        canonical = service.canonical_path(picture, "width=50&format=webp")

        etags = {
            service.get(path).headers["etag"] for path in (canonical, f"/images/{picture}.png?width=50&format=png")
        }
        etag = service.get(canonical).headers["etag"]

        assert etag == f'"{canonical.split("/")[4]}"'
        assert len(etags) == 2

    @pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"another", "{}"', '"another",W/"{}"', "*"])
    def test_a_known_etag_is_answered_before_anything_is_rendered(
        self, service: Service, picture: str, form: str
    ) -> None:
        """304, strong, weak, in a list or by star; the render counter stands still."""
        query = f"width={60 + len(form)}&height=41"
        key = service.canonical_path(picture, query).split("/")[4]
        before = service.renders()

        answer = service.get(f"/images/{picture}.png?{query}", if_none_match=form.format(key))

        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == f'"{key}"'
        assert "cache-control" in answer.headers
        assert service.renders() == before

    def test_another_etag_is_answered_with_the_picture(self, service: Service, picture: str) -> None:
        """The key must be equal as a whole."""
        path = f"/images/{picture}.png?width=50"
        etag = service.get(path).headers["etag"]

        answers = [service.get(path, if_none_match=other) for other in ('"another"', etag.strip('"'), etag[:-2] + '"')]

        assert [answer.status_code for answer in answers] == [200] * 3

    def test_several_header_lines_are_one_list(self, service: Service, picture: str) -> None:
        """RFC 9110, section 5.3, also when the answer is prepared already."""
        path = f"/images/{picture}.png?width=51"
        etag = service.get(path).headers["etag"]
        lines = [("If-None-Match", etag), ("If-None-Match", '"another"')]

        answers = [service.client.get(path, headers=lines) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [304, 304]

    def test_an_original_not_modified_since_is_not_sent(self, service: Service, picture: str) -> None:
        """By Last-Modified, which is the asset's, and is told once its second is over."""
        path = f"/images/{picture}.png"
        modified = _last_modified(service, path)

        same = service.get(path, if_modified_since=modified)
        earlier = service.get(path, if_modified_since=LONG_AGO)

        assert parsedate_to_datetime(modified).tzinfo is not None
        assert (same.status_code, earlier.status_code) == (304, 200)
        assert same.headers["last-modified"] == modified

    def test_a_rendition_has_no_date(self, service: Service, picture: str) -> None:
        """Another setting changes its bytes and not the asset: a date alone would keep the old ones for ever."""
        path = f"/images/{picture}.png?width=52"
        future = "Fri, 01 Jan 2100 00:00:00 GMT"

        answers = [service.get(path, if_modified_since=future) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert all("last-modified" not in answer.headers for answer in answers)

    def test_an_etag_goes_before_a_date(self, service: Service, picture: str) -> None:
        """Section 13.2.2: with If-None-Match there, If-Modified-Since is not asked."""
        path = f"/images/{picture}.png"
        modified = _last_modified(service, path)

        answer = service.get(path, if_none_match='"another"', if_modified_since=modified)

        assert answer.status_code == 200

    @pytest.mark.parametrize("date", ["yesterday", "", "Mon, 99 Foo 2020", f"Mon, 01 Jan 2024 00:00:00 +{'9' * 30}"])
    def test_a_date_that_is_none_is_ignored(self, service: Service, picture: str, date: str) -> None:
        """Section 13.1.3."""
        answer = service.get(f"/images/{picture}.png", if_modified_since=date)

        assert answer.status_code == 200

    def test_what_is_not_what_was_meant_is_refused(self, service: Service, picture: str) -> None:
        """412, for GET and HEAD, for renditions and originals."""
        original, rendition = f"/images/{picture}.png", f"/images/{picture}.png?width=52"
        etag = service.get(rendition).headers["etag"]

        refused = service.get(rendition, if_match='"another", W/' + etag)
        head = service.client.head(rendition, headers={"If-Match": '"another"'})
        since = service.get(original, if_unmodified_since=LONG_AGO) if _last_modified(service, original) else None

        assert_problem(refused, 412)
        assert (head.status_code, head.content) == (412, b"")
        assert since is not None
        assert_problem(since, 412)
        assert service.get(rendition, if_match=etag, if_unmodified_since=LONG_AGO).status_code == 200

    def test_equivalent_urls_share_an_etag(self, service: Service, picture: str) -> None:
        """The plan is keyed, not the URL: order, case, units, defaults and unknown words do not count."""
        queries = [
            "width=80&height=80",
            "height=80&width=80",
            "WIDTH=80&Height=80px&mode=pad",
            "width=79.6&height=80&anchor=center",
            "width=80&height=80&utm_source=mail",
            "width=1&width=80&height=80&v=12",
            "width=80&height=80&bgcolor=ffffff",
        ]

        etags = {service.get(f"/images/{picture}.png?{query}").headers["etag"] for query in queries}

        assert len(etags) == 1

    def test_head_has_the_headers_of_get(self, service: Service, picture: str) -> None:
        """And no content, the first time and from what is prepared."""
        _last_modified(service, f"/images/{picture}.png")
        for query in ("?width=53", "?width=53", ""):
            path = f"/images/{picture}.png{query}"
            got = service.get(path)

            head = service.client.head(path)

            assert head.content == b""
            assert _without_date(head) == _without_date(got)


class TestRanges:
    """RFC 9110, section 14. 'large' is streamed, the others are sent at once."""

    @pytest.mark.parametrize(
        ("asked", "start", "stop"),
        [
            ("bytes=0-0", 0, 1),
            ("bytes=0-99", 0, 100),
            ("bytes=100-", 100, None),
            ("bytes=-7", -7, None),
            ("bytes=1048570-1048590", 1048570, 1048591),
            ("bytes=2000000-99999999", 2000000, None),
            ("bytes=-99999999", 0, None),
            ("BYTES=  5-9", 5, 10),
            ("bytes=0-9,5-19,21-30", 0, 31),
            ("bytes=10-19,99999999-", 10, 20),
        ],
    )
    def test_a_part_is_exactly_that_part(
        self, service: Service, large: tuple[str, bytes], asked: str, start: int, stop: int | None
    ) -> None:
        """206, with what of how much it is."""
        path, whole = large

        answer = service.get(path, range=asked)

        expected = whole[start:stop]
        first = start if start >= 0 else len(whole) + start
        assert answer.status_code == 206
        assert answer.content == expected
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(whole)}"
        assert answer.headers["content-type"] == "image/bmp"

    @pytest.mark.parametrize(
        "asked",
        ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0", f"bytes={'9' * 5000}-", "bytes=-0,99999999-"],
        ids=lambda text: text[:30],
    )
    def test_a_part_that_is_not_there_is_refused(self, service: Service, large: tuple[str, bytes], asked: str) -> None:
        """416, with the length there is."""
        path, whole = large

        answer = service.get(path, range=asked)

        problem = assert_problem(answer, 416)
        assert answer.headers["content-range"] == f"bytes */{len(whole)}"
        assert problem["detail"] == f"Range must name some of the {len(whole)} bytes there are."

    @pytest.mark.parametrize(
        "asked",
        [
            "bytes=5-1",
            "lines=1-2",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=0-1,5-1",
            "bytes=" + ",".join(["0-0"] * 17),
        ],
        ids=lambda text: text[:30],
    )
    def test_what_cannot_be_meant_is_ignored(self, service: Service, picture: str, asked: str) -> None:
        """200 with the whole, as section 14.2 allows."""
        path = f"/images/{picture}.png?width=54"

        answer = service.get(path, range=asked)

        assert answer.status_code == 200
        assert answer.content == service.get(path).content

    def test_a_part_of_a_prepared_answer(self, service: Service, picture: str) -> None:
        """The fast path leaves ranges to the router."""
        path = f"/images/{picture}.png?width=55"
        whole = service.get(path).content
        assert service.get(path).content == whole

        answer = service.get(path, range="bytes=10-19")

        assert (answer.status_code, answer.content) == (206, whole[10:20])

    def test_a_part_of_an_original(self, service: Service, picture: str) -> None:
        """Originals have ranges as renditions do."""
        answer = service.get(f"/images/{picture}.png", range="bytes=1-3")

        assert (answer.status_code, answer.content) == (206, b"PNG")

    def test_if_range_holds_for_the_same_bytes_alone(self, service: Service, picture: str) -> None:
        """Section 13.1.5: a strong comparison, or the very date; else the whole is sent."""
        path = f"/images/{picture}.png"
        modified = _last_modified(service, path)
        etag = service.client.head(path).headers["etag"]
        validators = {etag: 206, modified: 206, '"another"': 200, f"W/{etag}": 200, LONG_AGO: 200}

        statuses = {
            validator: service.get(path, range="bytes=0-9", if_range=validator).status_code for validator in validators
        }

        assert statuses == validators

    def test_head_has_no_ranges(self, service: Service, large: tuple[str, bytes]) -> None:
        """Section 14.2: they have a meaning for GET alone."""
        path, whole = large

        answers = [service.client.head(path, headers={"Range": asked}) for asked in ("bytes=0-9", "bytes=99999999-")]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert {answer.headers["content-length"] for answer in answers} == {str(len(whole))}

    @pytest.mark.parametrize("which", ["streamed", "small"])
    def test_several_parts_are_sent_as_one_body(
        self, service: Service, picture: str, large: tuple[str, bytes], which: str
    ) -> None:
        """Section 14.6: put where each says it belongs, the parts are the file; none stands in two of them."""
        path, whole = large if which == "streamed" else (f"/images/{picture}.png", originals.png())
        asked = [(0, 9), (400, 899), (len(whole) // 2, len(whole) // 2 + 499), (len(whole) - 5, len(whole) - 1)]

        answer = service.get(path, range="bytes=" + ", ".join(f"{first}-{last}" for first, last in asked))

        assert answer.status_code == 206
        assert "content-range" not in answer.headers
        assert int(answer.headers["content-length"]) == len(answer.content) < len(whole)
        parts = read_parts(answer.headers["content-type"], answer.content)
        assert [part["Content-Range"] for part in parts] == [f"bytes {one}-{two}/{len(whole)}" for one, two in asked]
        assert [part.get_payload(decode=True) for part in parts] == [whole[one : two + 1] for one, two in asked]

    def test_a_file_comes_back_from_its_parts(self, service: Service, large: tuple[str, bytes]) -> None:
        """Fetched in pieces of sixteen ranges a request, and put together by their Content-Range."""
        path, whole = large
        step = len(whole) // 64 + 1
        gathered = bytearray(len(whole))

        for first in range(0, 64, 8):
            # Every other piece at a time, since neighbours would come as one.
            for odd in (0, 1):
                pieces = [(first + one) * step for one in range(odd, 8, 2)]
                asked = ",".join(f"{start}-{start + step - 1}" for start in pieces if start < len(whole))
                answer = service.get(path, range=f"bytes={asked}")
                for part in read_parts(answer.headers["content-type"], answer.content):
                    content = part.get_payload(decode=True)
                    assert isinstance(content, bytes)
                    start = int(part["Content-Range"].split(" ")[1].split("-")[0])
                    gathered[start : start + len(content)] = content

        assert gathered == whole

    def test_curl_is_given_what_it_asks_for(self, service: Service, large: tuple[str, bytes], curl: str) -> None:
        """`-r` with one range and with two, and the whole by HTTP/1.0."""
        path, whole = large

        def fetch(*options: str) -> bytes:
            command = [curl, "--silent", "--fail", *options, f"{service.url}{path}"]
            return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout

        assert fetch("-r", "0-99") == whole[:100]
        two = fetch("-r", "0-99,500-599")
        assert whole[:100] in two
        assert whole[500:600] in two
        assert two.count(b"Content-Range: bytes ") == 2
        assert fetch("--http1.0") == whole

    def test_curl_resumes_where_it_stopped(
        self, service: Service, large: tuple[str, bytes], tmp_path_factory: pytest.TempPathFactory, curl: str
    ) -> None:
        """`--continue-at -` gives the file in one piece."""
        path, whole = large
        saved = tmp_path_factory.mktemp("curl") / "resumed.bmp"
        saved.write_bytes(whole[:1_500_000])

        subprocess.run(
            [curl, "--silent", "--fail", "--continue-at", "-", "--output", saved, f"{service.url}{path}"],
            check=True,
            timeout=60,
        )

        assert saved.read_bytes() == whole


class TestHeaders:
    @pytest.mark.parametrize(
        ("extension", "media_type", "begins"),
        [
            ("jpg", "image/jpeg", b"\xff\xd8\xff"),
            ("JPEG", "image/jpeg", b"\xff\xd8\xff"),
            ("png", "image/png", b"\x89PNG"),
            ("webp", "image/webp", b"RIFF"),
            ("avif", "image/avif", b"\0\0\0"),
            ("gif", "image/gif", b"GIF8"),
            ("tif", "image/tiff", b"II"),
            ("bmp", "image/bmp", b"BM"),
            ("png8", "image/png", b"\x89PNG"),
        ],
    )
    def test_the_type_is_that_of_the_bytes(
        self, service: Service, picture: str, extension: str, media_type: str, begins: bytes
    ) -> None:
        """The extension asks for it, the header says it, the bytes are it."""
        answer = service.get(f"/images/{picture}.{extension}?width=40")

        assert answer.status_code == 200
        assert answer.headers["content-type"] == media_type
        assert answer.content.startswith(begins)
        assert answer.headers["x-content-type-options"] == "nosniff"

    def test_any_page_may_show_read_and_time_a_picture(self, service: Service, picture: str) -> None:
        """Pictures of a shop are public. Browsers ask leave of each answer: new, prepared, redirect or failure."""
        path = f"/images/{picture}.png?width=40"
        etag = service.get(path).headers["etag"]

        answers = [
            service.get(path),
            service.get(path, range="bytes=0-1"),
            service.get(f"/images/{picture}?width=40"),
            service.get(path, if_none_match=etag),
            service.get(f"{service.media_path(picture)}?width=x"),
            service.get(f"/images/{NOBODY}.png"),
            service.get(f"/cdn/default/{NOBODY}/thumbnail/a.png"),
            service.get(path, if_match='"another"'),
            service.get(path, range="bytes=9999999-"),
        ]

        assert [answer.status_code for answer in answers] == [200, 206, 303, 304, 400, 404, 404, 412, 416]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == "*", answer.status_code
            assert answer.headers["access-control-expose-headers"] == "*"
            assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
            assert answer.headers["timing-allow-origin"] == "*"

    def test_no_page_may_read_what_apis_answer(self, service: Service, picture: str) -> None:
        """Nor why they refuse."""
        answers = [
            service.get(path) for path in (f"/iqmetrix/assets/{picture}", "/struct/assets/1", "/quable/api/assets")
        ]

        assert [answer.status_code for answer in answers] == [200, 401, 401]
        assert all("access-control-allow-origin" not in answer.headers for answer in answers)

    @pytest.mark.parametrize(
        ("status", "query", "headers"),
        [
            (400, "?width=x", {}),
            (404, "/x", {}),
            (405, "", {"method": "PUT"}),
            (412, "", {"if-match": '"x"'}),
            (416, "", {"range": "bytes=99999999-"}),
            (400, "%", {}),
        ],
    )
    def test_scripts_of_any_page_may_read_why_there_is_none(
        self, picture: str, service: Service, status: int, query: str, headers: dict[str, str]
    ) -> None:
        """Else they are told that the network failed."""
        given = dict(headers)
        answer = service.client.request(given.pop("method", "GET"), f"/images/{picture}.webp{query}", headers=given)

        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-expose-headers"] == "*"

    @pytest.mark.parametrize(
        ("extension", "written"), [("png", "png"), ("jpeg", "jpg"), ("png8", "png"), ("tiff", "tif")]
    )
    def test_a_download_has_the_name_of_what_it_is(
        self, service: Service, picture: str, extension: str, written: str
    ) -> None:
        """The asset's name with the extension of the bytes sent, not of the original."""
        answer = service.get(f"/images/{picture}.{extension}?width=40&download=1")

        assert answer.headers["content-disposition"] == f'attachment; filename="red-shirt.{written}"'

    def test_what_is_to_be_shown_is_no_attachment(self, service: Service, picture: str) -> None:
        """Also right after the same picture was asked for as a download."""
        service.get(f"/images/{picture}.png?width=40&download=1")

        answers = [service.get(f"/images/{picture}.png?width=40{more}") for more in ("", "&download=0")]

        assert all("content-disposition" not in answer.headers for answer in answers)

    def test_a_download_stays_one_through_the_redirect(self, service: Service, picture: str) -> None:
        """The canonical URL carries it on."""
        redirect = service.get(f"/images/{picture}?width=40&format=jpg&download=true")

        answer = service.get(_path_and_query(redirect.headers["location"]))

        assert answer.headers["content-disposition"] == 'attachment; filename="red-shirt.jpg"'

    def test_how_long_an_answer_may_be_kept_depends_on_its_url(self, service: Service, picture: str) -> None:
        """For ever where the URL says the bytes; for a while where it says the asset; pinned by `v` and `rnd`."""
        canonical = service.canonical_path(picture, "width=40")
        classes = {
            canonical: YEAR,
            f"/images/{picture}.png": "public, max-age=300, must-revalidate",
            f"/images/{picture}.png?width=40": "public, max-age=300, must-revalidate",
            f"{service.media_path(picture)}?width=40": "public, max-age=300, must-revalidate",
            f"/images/{picture}.png?width=40&v=3": "public, max-age=300, immutable",
            f"/images/{picture}.png?width=40&rnd=x": "public, max-age=300, immutable",
        }

        found = {path: service.get(path).headers["cache-control"] for path in classes}

        assert found == classes

    def test_a_cache_is_told_under_which_names_to_keep_it(self, service: Service, picture: str) -> None:
        """Of its asset, its folder and its preset: of a rendition, a part, a 304, a redirect; a failure has none."""
        path = f"/images/{picture}.png?preset=System-Thumbnail"
        etag = service.get(path).headers["etag"]

        answers = [
            service.get(path),
            service.get(path, range="bytes=0-1"),
            service.get(path, if_none_match=etag),
            service.get(f"/images/{picture}?preset=System-Thumbnail"),
        ]

        assert [answer.status_code for answer in answers] == [200, 206, 304, 303]
        names = f"asset-{picture} folder-root preset-system-thumbnail"
        assert {answer.headers["surrogate-key"] for answer in answers} == {names}
        assert service.get(f"/images/{picture}.png").headers["surrogate-key"] == f"asset-{picture} folder-root"
        assert "surrogate-key" not in service.get(f"/images/{picture}.png?width=x").headers
        assert all("cache-tag" not in answer.headers for answer in answers)

    def test_an_answer_says_what_it_took(self, service: Service, picture: str) -> None:
        """Server-Timing, which a page of any origin may read."""
        answer = service.get(f"/images/{picture}.webp?width=56")

        assert answer.headers["server-timing"].startswith("cache;desc=miss, render;dur=")

    def test_a_browser_may_ask_what_it_may_ask(self, service: Service, picture: str) -> None:
        """The preflight of the Fetch standard; also of a picture that is not there."""
        asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        for path in (f"/images/{picture}.png", service.media_path(picture), f"/images/{NOBODY}", "/cdn/a/b/c/d"):
            answer = service.client.options(path, headers={**asked, "Access-Control-Request-Headers": "range"})

            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["access-control-allow-methods"] == answer.headers["allow"] == "GET, HEAD, OPTIONS"
            assert answer.headers["access-control-allow-headers"] == "*"
            assert answer.headers["access-control-max-age"] == "86400"
            assert "content-length" not in answer.headers

    def test_a_cache_finds_a_date_and_no_age(self, service: Service, picture: str) -> None:
        """RFC 9111, section 5.1: an age is a cache's to tell; an origin tells the time."""
        answers = [service.get(f"/images/{picture}.png?width=57") for _ in range(2)]

        now = datetime.now(UTC)
        told = [parsedate_to_datetime(answer.headers["date"]) for answer in answers]
        assert all(abs((now - date).total_seconds()) < 5 for date in told)
        assert all("age" not in answer.headers for answer in answers)


class TestRefusals:
    """RFC 9457: what was expected, for which name, what came; kept by nobody."""

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
    def test_another_method_is_told_which_there_are(self, service: Service, picture: str, method: str) -> None:
        """405 and Allow."""
        answer = service.client.request(method, f"/images/{picture}.png")

        assert_problem(answer, 405)
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}

    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/images",
            "/nowhere",
            f"/images/{NOBODY}",
            f"/images/{NOBODY}.png?width=10",
            "/images/not-a-guid.png",
            "/images/{09fe1ee4-42b1-43a6-bd80-cd2bda21e90a}.png",
            f"/images/{NOBODY.replace('-', '')}.png",
            "/media/aaaaaaaa/x.png",
            "/media/AAAAAAAA/x.png",
            "/media/aaaaaaa9/x.png",
            "/media/..%2f..%2fetc%2fpasswd/x.png",
            "/images/..%2f..%2fetc%2fpasswd",
            f"/images/{NOBODY}/format=png/{'0' * 32}/x.png",
            f"/images/{NOBODY}/format=png/xyz/x.png",
        ],
    )
    def test_what_is_not_there_is_not_found(self, service: Service, path: str) -> None:
        """404, whatever else is asked of it."""
        assert_problem(service.get(path), 404)

    @pytest.mark.parametrize(
        "name", ["100%25%", "%zz", "%2", "a%00b", "a%0d%0ab", "%7f", "%ff", "%c0%80", "%ed%a0%80", "%e9.png"]
    )
    def test_a_path_that_no_url_can_have_is_refused(self, service: Service, picture: str, name: str) -> None:
        """400 in a sentence, whoever would have read it."""
        media = service.media_path(picture).rpartition("/")[0]
        for path in (
            f"/images/{name}",
            f"{media}/{name}",
            f"/cdn/default/{name}/original/x",
            f"/struct/assets/{name}",
            f"/no/{name}",
        ):
            problem = assert_problem(service.get(path), 400)

            assert str(problem["detail"]).endswith(".")

    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("width=abc", "width"),
            ("Width=abc", "Width"),
            ("width=0", "width"),
            ("width=-5", "width"),
            ("width=", "width"),
            ("width=1e3", "width"),
            ("width=" + "9" * 5000, "width"),
            ("width=0." + "0" * 5000 + "1", "width"),
            ("width=%D9%A3", "width"),
            ("width=10%00", "width"),
            ("width=10%0d%0aSet-Cookie:x", "width"),
            ("width=%zz", "width"),
            ("width=%f", "width"),
            ("width=%ff%fe", "width"),
            ("width=%c0%80", "width"),
            ("wid%th=10", "query"),
            ("mode=fit", "mode"),
            ("anchor=middle", "anchor"),
            ("quality=abc", "quality"),
            ("quality=" + "9" * 5000, "quality"),
            ("format=exe", "format"),
            ("format=svg", "format"),
            ("bgcolor=nocolour", "bgcolor"),
            ("bgcolor=300,0,0", "bgcolor"),
            ("crop=1,2,3", "crop"),
            ("crop=0,0,0,0", "crop"),
            ("crop=60,0,60,0&cropmode=percentage", "crop"),
            ("center=2,2", "center"),
            ("center=0.5", "center"),
            ("widthratio=0", "widthratio"),
            ("heightratio=2", "heightratio"),
            ("preset=nosuch", "preset"),
            ("preset=", "preset"),
            ("preset=0x0", "preset"),
            ("download=perhaps", "download"),
            ("upscale=maybe", "upscale"),
            ("metadata=some", "metadata"),
        ],
        ids=lambda text: text[:40],
    )
    def test_a_bad_value_is_refused_by_name(self, service: Service, picture: str, query: str, name: str) -> None:
        """400 with the name as the caller spelled it, for bytes and redirects alike."""
        for path in (f"/images/{picture}.png", f"/images/{picture}", service.media_path(picture)):
            answer = service.get(f"{path}?{query}")

            problem = assert_problem(answer, 400)
            assert problem["parameter"] == name
            assert name in str(problem["detail"])
            assert len(str(problem["detail"])) < 1000

    def test_a_format_that_is_none_is_refused_in_a_path(self, service: Service, picture: str) -> None:
        """The extension is a parameter, too; SVG is read and not written."""
        for extension in ("exe", "svg", "", "png.exe", "x" * 3000):
            problem = assert_problem(service.get(f"/images/{picture}.{extension}"), 400)

            assert problem["parameter"] in ("extension", "format")

    def test_the_extension_and_the_format_may_not_contradict(self, service: Service, picture: str) -> None:
        """One of the two would have to be a lie."""
        assert_problem(service.get(f"/images/{picture}.png?format=webp"), 400)

    @pytest.mark.parametrize(
        "transform", ["width=abc,format=png", "colour=red,format=png", "width=10,width", "%00", "a" * 3000]
    )
    def test_a_canonical_url_that_nobody_wrote_is_refused(self, service: Service, picture: str, transform: str) -> None:
        """Its words are this service's own, so an unknown one is a mistake."""
        assert_problem(service.get(f"/images/{picture}/{transform}/{'0' * 32}/x.png"), 400)

    def test_a_picture_longer_than_any_that_is_made_is_refused(self, service: Service) -> None:
        """422, 400 where iQmetrix' words hold, before anything is allocated; its original and what is smaller are

        there all the same.
        """
        guid = service.add(originals.png(10, 9000))

        assert_problem(service.get(f"/images/{guid}.webp"), 400)
        assert_problem(service.get(f"{service.media_path(guid)}?format=webp"), 422)
        assert service.get(f"/images/{guid}.png").status_code == 200
        assert service.get(f"/images/{guid}.webp?height=900").status_code == 200

    @pytest.mark.parametrize("host", [b"[", b"a b", b"", b"x" * 3000, b"\xff", b"x:99999999"])
    def test_a_strange_host_is_no_mistake_of_ours(self, service: Service, picture: str, host: bytes) -> None:
        """Where URLs in answers are made of it."""
        head = b"GET /images/" + picture.encode() + b"?width=9 HTTP/1.1\r\nHost: " + host

        status = _raw_status(service, head + b"\r\nConnection: close\r\n\r\n")

        assert 200 <= status < 500


def assert_problem(answer: httpx.Response, status: int) -> dict[str, object]:
    """RFC 9457's shape, kept by nobody; its members."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = json.loads(answer.content)
    assert problem["status"] == status
    assert problem["title"]
    return problem


def _without_date(answer: httpx.Response) -> dict[str, str]:
    """Nor what it took, which answers that are prepared do not tell."""
    return {name: value for name, value in answer.headers.items() if name not in ("date", "server-timing")}


def _last_modified(service: Service, path: str) -> str:
    """Waited for: it is told once the second of the change is over."""
    return poll(lambda: service.get(path).headers.get("last-modified"), for_what="Last-Modified")


def _path_and_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _raw_status(service: Service, request: bytes) -> int:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return int(answer.split(b" ", 2)[1])
