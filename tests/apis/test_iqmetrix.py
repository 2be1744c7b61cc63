"""iQmetrix' Assets API: the vendor's documented exchanges, replayed, and requests that are none of them."""

import json
import re
import sqlite3
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, poll, resident_bytes, serving

EXAMPLES = Path(__file__).parent / "examples"
MOUNTED_AT = "/iqmetrix"

ID = "09fe1ee4-42b1-43a6-bd80-cd2bda21e90a"
NAME = "49ebd282-4161-4a9d-9b40-a5a20d144b6f.png"

CANNOT_BE_EQUAL: Mapping[str, str] = {
    "id": "chosen by whoever stores the asset",
    "href": "holds the id and the address; compared with both exchanged",
    "md5Checksum": "of the vendor's picture, which is not published; compared with that of ours",
    "success": "the example of a GET contradicts the vendor's table of fields, which is followed",
}

UPLOADS = "/iqmetrix/assets"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BOUNDARY = "the-boundary"
LIMIT = 200_000
"""Bytes of the largest file that the service `small` takes."""

MULTIPART = {**BEARER, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    method: str
    path: str
    request_headers: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None

    @classmethod
    def read(cls, name: str) -> "Exchange":
        """`README.md` beside the files tells their form."""
        request, answer, *body = (EXAMPLES / name).read_text().split("\n\n", 2)
        request_line, *request_head = request.splitlines()
        status_line, *head = answer.splitlines()
        method, path = request_line.split()
        return cls(
            method=method,
            path=path,
            request_headers=_fields(request_head),
            status=int(status_line.split()[1]),
            headers=_fields(head),
            body=json.loads(body[0]) if body else None,
        )


@pytest.fixture(scope="session")
def data() -> bytes:
    """A picture of the size that the example has."""
    return originals.png(502, 1024)


@pytest.fixture(scope="session")
def uploaded(shared_service: Service, data: bytes) -> Mapping[str, Any]:
    """What the vendor's example of an upload is answered with."""
    answer = shared_service.upload(data, NAME)
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    settings = {"upload_bytes": str(LIMIT), "max_pixels": "250000", "max_frames": "5"}
    with serving(tmp_path_factory.mktemp("small") / "data", workers=1, **settings) as service:
        yield service


class TestTheDocumentedExchanges:
    def test_creating_an_asset(self, service: Service, data: bytes) -> None:
        """201 and the documented fields, each of the documented type and value."""
        example = Exchange.read("iqmetrix_create.http")
        assert example.request_headers["Content-Type"] == "multipart/form-data"

        answer = service.client.request(
            example.method,
            MOUNTED_AT + example.path,
            headers={**BEARER, "Accept": example.request_headers["Accept"]},
            files={"Filename": (NAME, data, "image/png")},
        )

        assert answer.status_code == example.status == 201
        assert answer.headers["content-type"] == example.headers["Content-Type"]
        assert_like_the_example(answer.json(), example.body, service=service, data=data)
        assert answer.json()["success"] is True

    def test_getting_an_asset(self, service: Service, data: bytes, uploaded: Mapping[str, Any]) -> None:
        """200 and the same fields but `success`, which "only appears when asset is first uploaded"."""
        example = Exchange.read("iqmetrix_read.http")

        answer = service.client.request(
            example.method,
            MOUNTED_AT + example.path.replace(ID, uploaded["id"]),
            headers=dict(example.request_headers),
        )

        assert answer.status_code == example.status == 200
        assert answer.headers["content-type"] == example.headers["Content-Type"]
        assert_like_the_example(answer.json(), example.body, service=service, data=data)
        assert answer.json() == {name: value for name, value in uploaded.items() if name != "success"}

    def test_redirecting_to_an_image_asset(self, service: Service, uploaded: Mapping[str, Any]) -> None:
        """303 to where the file is: what `href` says."""
        example = Exchange.read("iqmetrix_redirect.http")

        answer = service.client.request(example.method, example.path.replace(ID, uploaded["id"]))

        expected = _of_ours(example.headers["Location"], service, uploaded["id"])
        assert answer.status_code == example.status == 303
        assert answer.headers["content-type"].partition(";")[0] == example.headers["Content-Type"]
        assert answer.headers["location"] == expected == uploaded["href"]

    def test_the_redirect_leads_to_the_file_that_was_uploaded(
        self, service: Service, data: bytes, uploaded: Mapping[str, Any]
    ) -> None:
        """Byte for byte, so that `md5Checksum` can be used "for upload integrity checks"."""
        followed = service.client.get(f"/images/{uploaded['id']}", follow_redirects=True)

        assert followed.content == data
        assert md5(followed.content, usedforsecurity=False).hexdigest() == uploaded["md5Checksum"]

    @pytest.mark.parametrize("path", [f"/iqmetrix/assets/{ID}", f"/images/{ID}", f"/images/{ID}.png"])
    def test_an_asset_that_does_not_exist(self, service: Service, path: str) -> None:
        """404, from the vendor's table of errors."""
        assert service.get(path).status_code == 404

    def test_the_sentence_of_the_vendors_404(self, service: Service) -> None:
        """Word for word."""
        problem = service.get(f"/iqmetrix/assets/{ID}").json()

        assert problem["detail"] == "Asset Media Service Error: Resource not found"

    @pytest.mark.parametrize("spelled", [str.upper, lambda guid: guid.replace("-", ""), lambda guid: f"{{{guid}}}"])
    def test_an_id_is_known_in_any_case_and_no_other_spelling(
        self, service: Service, uploaded: Mapping[str, Any], spelled: Any
    ) -> None:
        """One asset, one address; upper case is what .NET clients write."""
        guid = spelled(uploaded["id"])

        answer = service.get(f"/iqmetrix/assets/{guid}")

        assert answer.status_code == (200 if guid.lower() == uploaded["id"] else 404)


def test_the_size_is_that_of_the_upright_picture(service: Service) -> None:
    """As people and browsers see it, not as the sensor stored it."""
    answer = service.upload(originals.orientation_jpeg(6, 400, 300), "turned.jpg")

    assert (answer.json()["width"], answer.json()["height"]) == (400, 300)


class TestWhoMayUpload:
    @pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic dTpw", f"Token {TOKEN}"])
    def test_without_a_token_nothing_is_taken(self, service: Service, authorization: str | None) -> None:
        """401 with the challenge that RFC 9110, section 11.6.1, demands."""
        headers = {} if authorization is None else {"Authorization": authorization}

        answer = service.client.post(UPLOADS, files={"Filename": ("a.png", originals.png())}, headers=headers)

        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_a_token_that_nobody_knows_is_refused(self, service: Service) -> None:
        """401 as well, and nothing of it is shown."""
        answer = service.upload(originals.png(), token="unknown-secret")

        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "unknown-secret" not in answer.text

    def test_a_token_that_may_only_read_is_refused(self, service: Service) -> None:
        """403: known, and not permitted to write."""
        token = service.command("token", "create", "reader", "--scope", "read").stdout.strip()

        assert_problem(service.upload(originals.png(), token=token), 403)

    def test_a_token_that_may_write_is_taken_until_it_is_revoked(self, service: Service) -> None:
        """In any case of the scheme's name; 401 from the first request after."""
        token = service.command("token", "create", "writer").stdout.strip()

        before = service.client.post(
            UPLOADS, files={"Filename": ("a.png", originals.png())}, headers={"Authorization": f"bearer {token}"}
        )
        service.command("token", "revoke", "writer")
        after = service.upload(originals.png(), token=token)

        assert (before.status_code, after.status_code) == (201, 401)

    def test_a_token_is_stored_nowhere(self, service: Service) -> None:
        """Its digest alone is."""
        token = service.command("token", "create", "secret").stdout.strip()

        files = [file for file in service.data.rglob("*") if file.is_file() and "originals" not in file.parts]

        assert token.startswith("imgsvc_")
        assert not any(token.encode() in file.read_bytes() for file in files)


class TestWhatIsNoUpload:
    """400 in the vendor's table: one file, attached, in a form."""

    def test_a_file_in_another_part(self, service: Service) -> None:
        """The vendor calls it `Filename`, and so does the answer."""
        assert "Filename" in assert_problem(service.upload(originals.png(), part="file"), 400)["detail"]

    def test_two_files(self, service: Service) -> None:
        """ "Ensure you are only uploading one Asset at a time"."""
        files = [("Filename", ("a.png", originals.png())), ("Filename", ("b.png", originals.png(20, 20)))]

        assert_problem(service.client.post(UPLOADS, files=files, headers=BEARER), 400)

    def test_no_file(self, service: Service) -> None:
        """ "Ensure file was attached to request": a field without a file name is none."""
        body = _part('name="Filename"', originals.png()) + _END

        assert_problem(service.client.post(UPLOADS, content=body, headers=MULTIPART), 400)

    @pytest.mark.parametrize(
        "kind", ["image/png", "application/json", "multipart/form-data", "multipart/mixed; boundary=x", ""]
    )
    def test_no_form(self, service: Service, kind: str) -> None:
        """Without a boundary it is none either."""
        headers = {**BEARER, "Content-Type": kind}

        assert_problem(service.client.post(UPLOADS, content=originals.png(), headers=headers), 400)

    @pytest.mark.parametrize("kept", [0.0, 0.2, 0.9, 0.999])
    def test_a_body_that_breaks_off(self, service: Service, kept: float) -> None:
        """Whole as far as HTTP can tell, and without the closing boundary: never taken for a picture."""
        whole = _part('name="Filename"; filename="a.png"', originals.png(800, 600)) + _END
        body = whole[: int(len(whole) * kept)]

        assert_problem(service.client.post(UPLOADS, content=body, headers=MULTIPART), 400)

    def test_rubbish_between_boundaries(self, service: Service) -> None:
        """Refused where it begins to make no sense."""
        body = f"--{BOUNDARY}\r\n\0\0: \r\nrubbish\r\n\r\n".encode() + _END

        assert_problem(service.client.post(UPLOADS, content=body, headers=MULTIPART), 400)

    def test_a_head_without_end(self, service: Service) -> None:
        """What is no file is bounded, too."""
        body = f"--{BOUNDARY}\r\nX-Long: ".encode() + b"a" * 3_000_000

        assert_problem(service.client.post(UPLOADS, content=body, headers=MULTIPART), 400)

    def test_fields_beside_the_file_are_passed_over(self, service: Service) -> None:
        """Clients send what they like beside it, before and behind."""
        body = (
            _part('name="comment"', b"hello")
            + _part('name="Filename"; filename="a.png"', originals.png())
            + _part('name="submit"', b"Upload")
            + _END
        )

        assert service.client.post(UPLOADS, content=body, headers=MULTIPART).status_code == 201

    def test_a_client_that_leaves_half_way_leaves_nothing(self, service: Service) -> None:
        """No file in `incoming`, and no mistake in the log: leaving is normal."""
        logged = service.log.stat().st_size
        answered = service.metric("imgsvc_requests_total", route="iqmetrix")
        connection = service.connect()
        connection.putrequest("POST", UPLOADS)
        for name, value in {**MULTIPART, "Content-Length": "9000000"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(_part('name="Filename"; filename="a.png"', bytes(3_000_000)))
        poll(lambda: any(_incoming(service)), for_what="the upload to begin")

        connection.close()

        poll(lambda: not any(_incoming(service)), for_what="the upload to be given up")
        poll(
            lambda: service.metric("imgsvc_requests_total", route="iqmetrix") > answered,
            for_what="the request to be counted",
        )
        assert b"request.bug" not in service.log.read_bytes()[logged:]


class TestWhatIsNoPicture:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"hello",
            originals.heic_signature(),
            originals.pdf(),
            b"<html><svg></svg></html>",
            originals.truncated(originals.png(800, 600)),
            originals.truncated(originals.jpeg(800, 600)),
            originals.truncated(originals.webp(800, 600)),
            originals.truncated(originals.gif()),
            originals.truncated(originals.gif(frames=3)),
            originals.truncated(originals.bmp()),
            originals.truncated(originals.svg()),
            originals.png()[:8],
            b"GIF89a" + bytes(100),
            originals.lying_png(),
            originals.gif_bomb(),
            originals.svg_entity_bomb(),
            originals.svg(body="<g>" * 50_000 + "</g>" * 50_000),
        ],
        ids=[
            "empty", "text", "heic", "pdf", "html", "half-png", "half-jpeg", "half-webp", "half-gif", "half-film",
            "half-bmp",
            "half-svg", "signature", "zeros", "lying-png", "gif-bomb", "svg-bomb", "deep-svg",
        ],
    )  # fmt: skip
    def test_it_is_refused_and_nothing_is_kept(self, service: Service, data: bytes) -> None:
        """400, the vendor's code, for what says that it is a picture and is none or cannot be decoded to its end."""
        before = _library(service)

        answer = service.upload(data, "picture.png")

        assert_problem(answer, 400)
        assert _library(service) == before
        assert list(_incoming(service)) == []

    def test_the_bytes_decide_what_it_is(self, service: Service) -> None:
        """A PNG named .jpg and declared a GIF is a PNG; its name stays what it was given."""
        files = {"Filename": ("holiday.jpg", originals.png(), "image/gif")}

        shape = service.client.post(UPLOADS, files=files, headers=BEARER).json()

        assert (shape["mimeType"], shape["name"]) == ("image/png", "holiday.jpg")
        assert shape["href"].endswith(f"{shape['id']}.png")
        assert httpx.get(shape["href"], trust_env=False).headers["content-type"] == "image/png"

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("C:\\Users\\me\\shirt.png", "shirt.png"),
            ("../../etc/passwd", "passwd"),
            ("Hemd, grün.png", "Hemd, grün.png"),
            ("衬衫.png", "衬衫.png"),
            ("a" * 300 + ".png", "a" * 251 + ".png"),
            ("..", "picture"),
        ],
    )
    def test_a_name_is_a_name_and_no_path(self, service: Service, given: str, kept: str) -> None:
        """From any system, in any script."""
        disposition = f'name="Filename"; filename="{given}"'
        body = _part(disposition, originals.png()) + _END

        answer = service.client.post(UPLOADS, content=body, headers=MULTIPART)

        assert answer.json()["name"] == kept


class TestOtherFiles:
    """What does not say that it is a picture."""

    @pytest.mark.parametrize(
        ("name", "media_type", "called"),
        [
            ("Size Chart.PDF", "application/pdf", "size-chart.pdf"),
            ("raw.heic", "image/heic", "raw.heic"),
            ("LICENSE", "application/octet-stream", "license"),
            ("page.html", "application/octet-stream", "page.html"),
        ],
    )
    def test_it_is_taken(self, service: Service, name: str, media_type: str, called: str) -> None:
        """201 with all fields but height and width; `href` leads to its bytes."""
        answer = service.upload(originals.pdf() + name.encode(), name)

        shape = answer.json()
        assert answer.status_code == 201
        assert set(shape) == {"id", "name", "href", "md5Checksum", "mimeType", "success"}
        assert (shape["name"], shape["mimeType"]) == (name, media_type)
        assert re.fullmatch(rf"{service.url}/media/[a-z0-5]{{8}}/{called}", shape["href"])
        assert httpx.get(shape["href"], trust_env=False).content == originals.pdf() + name.encode()

    def test_it_is_looked_up_as_it_was_answered(self, service: Service) -> None:
        shape = service.upload(originals.pdf(), "chart.pdf").json()

        answer = service.get(f"/iqmetrix/assets/{shape['id']}")

        assert answer.json() == {name: value for name, value in shape.items() if name != "success"}

    @pytest.mark.parametrize("path", ["{}", "{}.png", "{}?width=5", "{}/preview/300/200"])
    def test_at_the_pictures_address_it_is_no_picture(self, service: Service, path: str) -> None:
        """400 in the vendor's table."""
        guid = service.upload(originals.pdf(), "chart.pdf").json()["id"]

        assert_problem(service.get(f"/images/{path.format(guid)}"), 400)


class TestPreviews:
    """`/images/{id}/preview/{width}/{height}`, as the vendor's own clients ask."""

    @pytest.mark.parametrize(
        ("width", "height", "size"), [(100, 100, (50, 100)), (25, 1000, (25, 50)), (5000, 5000, (60, 120))]
    )
    def test_a_preview_fits_inside_and_is_not_enlarged(
        self, service: Service, width: int, height: int, size: tuple[int, int]
    ) -> None:
        """In the original's format, by anybody."""
        guid = service.add(originals.png(60, 120))

        answer = service.get(f"/images/{guid}/preview/{width}/{height}")

        image = originals.decode(answer.content)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert (image.width, image.height) == size

    @pytest.mark.parametrize("sides", ["0/5", "5/0", "a/5", "5/-1", "5/1000000", "5/ "])
    def test_a_preview_of_no_size_is_refused(self, service: Service, sides: str) -> None:
        guid = service.add(originals.png())

        assert_problem(service.get(f"/images/{guid}/preview/{sides}"), 400)

    def test_a_preview_of_nothing_is_not_found(self, service: Service) -> None:
        """In the vendor's words."""
        problem = assert_problem(service.get(f"/images/{ID}/preview/5/5"), 404)

        assert problem["detail"] == "Asset Media Service Error: Resource not found"


class TestInstances:
    """Without a token an asset is found by its GUID, which nobody guesses; with one by any id, in its instance."""

    def test_another_instance_does_not_see_it(self, service: Service) -> None:
        """By whatever id, with a token of its own; without one the GUID does."""
        token = service.command("token", "create", "press", "--instance", "press").stdout.strip()
        own = service.upload(originals.png(), token=token).json()
        guid = service.add(originals.png())

        ids = [guid, _serial(service, guid), service.media_path(guid).split("/")[2]]
        answers = {one: service.get(f"/iqmetrix/assets/{one}", authorization=f"Bearer {token}") for one in ids}
        theirs = service.get(f"/iqmetrix/assets/{own['id']}", **BEARER)

        assert [answer.status_code for answer in answers.values()] == [404] * 3
        assert theirs.status_code == 404
        assert service.get(f"/iqmetrix/assets/{guid}").status_code == 200
        assert service.get(f"/iqmetrix/assets/{own['id']}", authorization=f"Bearer {token}").status_code == 200

    def test_with_a_token_any_id_finds_it(self, service: Service) -> None:
        """GUID, serial and slug; without one the GUID alone."""
        guid = service.add(originals.png())
        ids = [guid, _serial(service, guid), service.media_path(guid).split("/")[2]]

        with_token = [service.get(f"/iqmetrix/assets/{one}", **BEARER) for one in ids]
        without = [service.get(f"/iqmetrix/assets/{one}") for one in ids]

        assert [answer.json()["id"] for answer in with_token] == [guid] * 3
        assert [answer.status_code for answer in without] == [200, 404, 404]

    def test_an_unknown_token_is_refused_where_none_is_needed(self, service: Service) -> None:
        """Whoever sends one means it."""
        guid = service.add(originals.png())

        assert_problem(service.get(f"/iqmetrix/assets/{guid}", authorization="Bearer unknown"), 401)


class TestManyAtOnce:
    def test_equal_files_are_kept_once_and_are_assets_each(self, service: Service) -> None:
        """Twenty uploads of the same bytes at the same moment: twenty ids, one file."""
        data = originals.png(641, 479)

        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(lambda number: service.upload(data, f"{number}.png"), range(20)))

        shapes = [answer.json() for answer in answers]
        assert {answer.status_code for answer in answers} == {201}
        assert len({shape["id"] for shape in shapes}) == 20
        assert {shape["md5Checksum"] for shape in shapes} == {md5(data, usedforsecurity=False).hexdigest()}
        assert sum(file.read_bytes() == data for file in (service.data / "originals").glob("??/??/*")) == 1
        assert all(service.get(f"/images/{shape['id']}.png").content == data for shape in shapes)
        assert list(_incoming(service)) == []


class TestLimits:
    def test_a_file_larger_than_allowed_is_refused(self, small: Service) -> None:
        """413, whether the length is announced or comes in chunks; nothing of it stays."""
        announced = small.upload(bytes(LIMIT + 1))
        chunks = iter([_part('name="Filename"; filename="a.png"', bytes(LIMIT + 1)), _END])
        chunked = small.client.post(UPLOADS, content=chunks, headers=MULTIPART)
        much = small.upload(bytes(30 * LIMIT))

        for answer in (announced, chunked, much):
            assert_problem(answer, 413)
        assert list(_incoming(small)) == []

    def test_a_file_as_large_as_allowed_is_taken(self, small: Service) -> None:
        """The limit is of the file, not of the form around it."""
        data = originals.png()
        data = originals.png(text={"Comment": "x" * (LIMIT - len(data) - 20)})

        answer = small.upload(data)

        assert len(data) == LIMIT
        assert answer.status_code == 201

    def test_more_pixels_than_allowed_are_refused(self, small: Service) -> None:
        """400 by the header, before they are decoded."""
        assert_problem(small.upload(originals.png(501, 500)), 400)
        assert small.upload(originals.png(500, 500)).status_code == 201

    def test_more_frames_than_allowed_are_refused(self, small: Service) -> None:
        """As few pixels as they may have."""
        assert_problem(small.upload(originals.gif(10, 10, frames=6)), 400)
        assert small.upload(originals.gif(10, 10, frames=5)).status_code == 201


def test_a_large_file_passes_through_without_being_held(service: Service) -> None:
    """Sixty megabytes cost a server process hardly any memory, on the way in and on the way out."""
    data = originals.bmp(5000, 4000)
    before = {pid: resident_bytes(pid) for pid in service.servers()}
    assert len(data) > 60_000_000

    answer = service.client.post(UPLOADS, files={"Filename": ("large.bmp", BytesIO(data))}, headers=BEARER)
    with service.client.stream("GET", f"/images/{answer.json()['id']}.bmp") as streamed:
        received = sum(map(len, streamed.iter_raw()))

    assert answer.status_code == 201
    assert received == len(data)
    for pid, bytes_before in before.items():
        assert resident_bytes(pid, peak=True) - bytes_before < 25_000_000


def assert_like_the_example(
    shape: Mapping[str, Any], example: Mapping[str, Any] | None, *, service: Service, data: bytes
) -> None:
    """Field by field: the same names, the same types, and the same values but for those of `CANNOT_BE_EQUAL`."""
    assert example is not None
    assert {*shape, "success"} == {*example, "success"}
    for name, value in shape.items():
        assert type(value) is type(example[name]), name
        if name not in CANNOT_BE_EQUAL:
            assert value == example[name], name
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", shape["id"])
    assert shape["href"] == _of_ours(example["href"], service, shape["id"])
    assert shape["md5Checksum"] == md5(data, usedforsecurity=False).hexdigest()


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    return problem


_END = f"--{BOUNDARY}--\r\n".encode()


def _part(disposition: str, data: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + data + b"\r\n"


def _fields(lines: list[str]) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines)


def _of_ours(url: str, service: Service, guid: str) -> str:
    """The vendor's URL with our address and our id in their places."""
    return url.replace("https://amsdemo.iqmetrix.net", service.url).replace(ID, guid)


def _incoming(service: Service) -> Generator[Path]:
    folder = service.data / "originals" / "incoming"
    if folder.exists():
        yield from folder.iterdir()


def _serial(service: Service, guid: str) -> str:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        return str(catalog.execute("SELECT serial FROM assets WHERE id = ?", (guid,)).fetchone()[0])


def _library(service: Service) -> tuple[int, int]:
    """How many assets and how many originals there are."""
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (assets,) = catalog.execute("SELECT count(*) FROM assets").fetchone()
    return assets, len(list((service.data / "originals").glob("??/??/*")))
