"""Qooly's Asset API: the vendor's documented examples, replayed, and what its document is silent about."""

import json
import re
import sqlite3
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, serving

EXAMPLES = Path(__file__).parent / "examples"
MOUNTED_AT = "/qooly"
ASSETS = "/qooly/v1/assets"
ID = "123456789"

CANNOT_BE_EQUAL: Mapping[str, str] = {
    "id": "chosen by whoever stores the asset",
    "name": "a file name here: the example's, and the extension of the picture's format",
    "url": "holds the address; where it leads is looked at",
    "url_hash": "of the URL, by a function that the vendor keeps to itself",
    "thumbnail_url": "the example shows the file itself; here it is smaller",
    "created_at": "the present; its form is compared",
    "updated_at": "the present; its form is compared",
    "created_by": "whose token it is",
    "updated_by": "whose token it is",
}

TIME = r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z"


@dataclass(frozen=True, kw_only=True)
class Client:
    """Speaks for one token."""

    service: Service
    token: str = TOKEN

    def ask(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        """`path` below the collection."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.service.client.request(method, ASSETS + path, headers=headers, **options)

    def upload(self, data: bytes, file: str = "picture.png", /, **fields: str) -> httpx.Response:
        """A form. `file` is the file's name."""
        return self.ask("POST", files={"file": (file, data)}, data=fields)

    def add(self, data: bytes, file: str = "picture.png", /, **fields: str) -> dict[str, Any]:
        """The new asset."""
        answer = self.upload(data, file, **fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def read(self, asset_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/{asset_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def change(self, asset_id: str, method: str = "PATCH", **fields: Any) -> dict[str, Any]:
        answer = self.ask(method, f"/{asset_id}", json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Another server: `files` by path; `asked` for which."""

    url: str
    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list[str])


@contextmanager
def other_server(files: dict[str, bytes]) -> Generator[Elsewhere]:
    """On loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            elsewhere.asked.append(self.path)
            data = files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        elsewhere = Elsewhere(url=f"http://127.0.0.1:{server.server_port}", files=files)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield elsewhere
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def qooly(service: Service) -> Client:
    return Client(service=service)


@pytest.fixture(scope="module")
def importing(tmp_path_factory: pytest.TempPathFactory) -> Generator[Client]:
    """One that may fetch from this host."""
    data = tmp_path_factory.mktemp("importing") / "data"
    with serving(data, workers=1, import_private="true", upload_bytes="200000") as service:
        yield Client(service=service)


@pytest.fixture
def elsewhere() -> Generator[Elsewhere]:
    with other_server({"/shirt.png": originals.png(), "/other/shirt.jpg": originals.jpeg(120, 90)}) as server:
        yield server


@pytest.fixture(scope="module")
def five(shared_service: Service) -> tuple[Client, list[str]]:
    """Their ids, in the order they were made."""
    client = _of_instance(shared_service, "five")
    return client, [client.add(b"text", f"{number}.txt")["id"] for number in range(5)]


class TestTheDocumentedExamples:
    def test_retrieving_all_assets(self, service: Service) -> None:
        """A bare array of entities, oldest first."""
        asking = _of_instance(service, "documented")
        request, example = _example("qooly_read_all.http")
        for entity in example:
            asking.add(originals.jpeg(), Path(entity["url"]).name, **_told(entity))

        answer = _replay(asking, request)

        assert answer.headers["content-type"] == "application/json"
        assert len(answer.json()) == len(example) == 2
        for entity, expected in zip(answer.json(), example, strict=True):
            assert_like_the_example(entity, expected)

    def test_retrieving_a_single_asset(self, qooly: Client) -> None:
        """The same entity as in the list, and as in "The Asset Entity"."""
        request, example = _example("qooly_read.http")
        created = qooly.add(originals.jpeg(), "image.jpg", **_told(example))

        answer = _replay(qooly, request.replace(ID, created["id"]))

        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == created
        assert_like_the_example(answer.json(), example)

    def test_deleting_a_single_asset(self, qooly: Client) -> None:
        """An empty object; afterwards it is gone."""
        request, example = _example("qooly_delete.http")
        created = qooly.add(originals.jpeg())

        answer = _replay(qooly, request.replace(ID, created["id"]))

        assert answer.json() == example == {}
        assert qooly.ask("GET", f"/{created['id']}").status_code == 404
        assert qooly.ask("DELETE", f"/{created['id']}").status_code == 404
        assert httpx.get(created["url"], trust_env=False).status_code == 404


class TestTheEntity:
    @pytest.mark.parametrize(
        ("name", "data", "kind"),
        [
            ("shirt.png", originals.png(), "Image"),
            ("shirt.svg", originals.svg(), "Image"),
            ("film.mp4", b"a film", "Video"),
            ("film.MOV", b"another film", "Video"),
            ("manual.pdf", originals.pdf(), "File"),
            ("shirt.heic", originals.heic_signature(), "File"),
            ("nameless", b"bytes", "File"),
        ],
    )
    def test_its_type_is_one_of_three(self, qooly: Client, name: str, data: bytes, kind: str) -> None:
        """An image that cannot be decoded here is a file, since nothing of it can be shown."""
        asset = qooly.add(data, name)

        assert asset["type"] == kind
        assert (asset["thumbnail_url"] != "") == (kind == "Image")

    def test_its_urls_show_the_file_and_a_small_picture(self, qooly: Client) -> None:
        """The file byte for byte; the thumbnail fits in 320 by 320 pixels."""
        data = originals.png(800, 600)
        asset = qooly.add(data)

        file, thumbnail = (httpx.get(asset[name], trust_env=False) for name in ("url", "thumbnail_url"))

        assert file.content == data
        small = originals.decode(thumbnail.content)
        assert (small.width, small.height) == (320, 240)

    def test_a_file_that_is_no_picture_is_at_its_url(self, qooly: Client) -> None:
        """With the media type of its name."""
        asset = qooly.add(originals.pdf(), "manual.pdf")

        answer = httpx.get(asset["url"], trust_env=False)

        assert (answer.content, answer.headers["content-type"]) == (originals.pdf(), "application/pdf")

    def test_the_hash_is_of_the_url(self, qooly: Client) -> None:
        """An unsigned number of 64 bits, of what names the asset in it: a new name or another host changes nothing."""
        asset = qooly.add(originals.png())

        described = qooly.change(asset["id"], description="new")
        renamed = qooly.change(asset["id"], name="renamed.png")

        named = urlsplit(asset["url"]).path.rpartition("/")[0]
        assert asset["url_hash"] == str(int.from_bytes(sha256(named.encode()).digest()[:8], "big"))
        assert renamed["url"] != asset["url"]
        assert {shape["url_hash"] for shape in (asset, described, renamed)} == {asset["url_hash"]}

    def test_its_times_are_utc_in_seconds(self, qooly: Client) -> None:
        """ISO 8601 as the example has it."""
        before = datetime.now(UTC).replace(microsecond=0)

        asset = qooly.add(originals.png())

        for name in ("created_at", "updated_at"):
            assert re.fullmatch(TIME, asset[name])
            assert before <= datetime.fromisoformat(asset[name]) <= before + timedelta(seconds=60)

    def test_it_tells_who_made_and_who_changed_it(self, service: Service, qooly: Client) -> None:
        """The number of the token, 0 for the operator's."""
        other = _of_instance(service, "default", name="another hand")
        asset = qooly.add(originals.png())

        changed = other.change(asset["id"], description="by another")

        assert (asset["created_by"], asset["updated_by"]) == ("0", "0")
        assert changed["created_by"] == "0"
        assert int(changed["updated_by"]) > 0
        assert other.add(originals.png())["created_by"] == changed["updated_by"]


class TestTheName:
    @pytest.mark.parametrize(
        ("given", "file", "data", "kept"),
        [
            ("Red shirt", "a.png", originals.png(), "Red shirt.png"),
            ("Red shirt.PNG", "a.png", originals.png(), "Red shirt.PNG"),
            ("holiday.jpeg", "a.png", originals.jpeg(), "holiday.jpeg"),
            ("holiday.jpg", "a.gif", originals.png(), "holiday.png"),
            ("Shirt v1.2", "a.png", originals.png(), "Shirt v1.2.png"),
            ("../shop/Shirt", "a.png", originals.png(), "Shirt.png"),
            ("衬衫", "a.png", originals.png(), "衬衫.png"),
            ("a" * 300, "a.png", originals.png(), "a" * 251 + ".png"),
            ("Manual", "manual.pdf", originals.pdf(), "Manual.pdf"),
            ("Manual v1.2", "manual.pdf", originals.pdf(), "Manual v1.2.pdf"),
            ("Manual.pdf", "download.php", originals.pdf(), "Manual.pdf"),
            ("Manual.docx", "manual.pdf", originals.pdf(), "Manual.pdf"),
            ("Manual", "nameless", originals.pdf(), "Manual"),
        ],
    )
    def test_it_is_a_file_name(self, qooly: Client, given: str, file: str, data: bytes, kept: str) -> None:
        """As it was given; the extension is that of the bytes, which are what an asset is."""
        asset = qooly.add(data, file, name=given)

        assert asset["name"] == kept
        assert qooly.read(asset["id"])["name"] == kept

    def test_it_is_the_files_own_where_none_is_given(self, qooly: Client) -> None:
        """A form's part tells it."""
        assert qooly.add(originals.png(), "own.png")["name"] == "own.png"

    @pytest.mark.parametrize(
        ("given", "kept"), [("New", "New.png"), ("New.png", "New.png"), ("New.gif", "New.png"), ("N.2", "N.2.png")]
    )
    def test_renaming_keeps_the_extension(self, qooly: Client, given: str, kept: str) -> None:
        """The bytes stay what they are; the old URL still leads to them."""
        asset = qooly.add(originals.png())

        renamed = qooly.change(asset["id"], name=given)

        assert renamed["name"] == kept
        assert httpx.get(asset["url"], trust_env=False).status_code == 200
        assert httpx.get(renamed["url"], trust_env=False).status_code == 200


class TestAllAssets:
    @pytest.mark.parametrize(
        ("query", "kept"),
        [
            ("", slice(None)),
            ("?page=1", slice(None)),
            ("?page=2", slice(0)),
            ("?limit=2", slice(2)),
            ("?page=2&limit=2", slice(2, 4)),
            ("?page=3&limit=2", slice(4, 5)),
            ("?page=4&limit=2", slice(0)),
            ("?page=1000000000&limit=1000", slice(0)),
            ("?sort=name", slice(None)),
        ],
    )
    def test_pages(self, five: tuple[Client, list[str]], query: str, kept: slice) -> None:
        """All without a number; the first page where the limit alone is given."""
        client, ids = five

        answer = client.ask("GET", query)

        assert answer.status_code == 200
        assert [asset["id"] for asset in answer.json()] == ids[kept]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            *(("page", value) for value in ("0", "-1", "x", "", "9" * 30, "1.5", "²")),
            *(("limit", value) for value in ("0", "many")),
        ],
    )
    def test_a_number_that_is_none_is_refused(self, qooly: Client, name: str, value: str) -> None:
        """400, and it is named."""
        assert assert_problem(qooly.ask("GET", f"?{name}={value}"), 400)["parameter"] == name

    def test_nothing_is_an_empty_array(self, service: Service) -> None:
        """And not a failure."""
        assert _of_instance(service, "void").ask("GET").json() == []

    @pytest.mark.parametrize("count", [499, 500, 501, 1203])
    def test_many_are_sent_whole(self, service: Service, count: int) -> None:
        """Each once and in order, however many portions they are fetched in."""
        client = _of_instance(service, f"many-{count}")
        client.add(b"text", "first.txt")
        _multiply(service, f"many-{count}", count)

        assets = client.ask("GET").json()

        assert len(assets) == count
        assert [int(asset["id"]) for asset in assets] == sorted({int(asset["id"]) for asset in assets})


class TestIds:
    def test_an_asset_is_found_by_each_of_its_ids(self, service: Service, qooly: Client) -> None:
        """Its number, its GUID in any case, its slug: nobody can take one for another."""
        asset = qooly.add(originals.png())
        guid, slug = _other_ids(service, asset["id"])

        for text in (asset["id"], f"000{asset['id']}", guid, guid.upper(), slug):
            assert qooly.read(text) == asset

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize(
        "text",
        [
            "0",
            "18446744073709551615",
            "9223372036854775807",
            "99999999999999999999999",
            "-1",
            "1.0",
            "nobody",
        ],
    )
    def test_an_id_that_nobody_has_is_not_found(self, qooly: Client, method: str, text: str) -> None:
        """404 for the whole range of the vendor's 64 bits, and for what is no id."""
        body = {"json": {}} if method in ("PUT", "PATCH") else {}

        assert_problem(qooly.ask(method, f"/{text}", **body), 404)

    def test_a_path_that_no_url_can_have_is_refused(self, qooly: Client) -> None:
        """A zero byte behind a digit must not be read as that digit."""
        assert_problem(qooly.ask("GET", "/%31%00"), 400)


class TestInstances:
    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_nobody_reaches_into_another(self, service: Service, qooly: Client, method: str) -> None:
        """By no kind of id: 404, and nothing has changed."""
        stranger = _of_instance(service, "strangers")
        asset = qooly.add(originals.png())
        body = {"json": {"name": "mine"}} if method in ("PUT", "PATCH") else {}

        for text in (asset["id"], *_other_ids(service, asset["id"])):
            assert_problem(stranger.ask(method, f"/{text}", **body), 404)

        assert qooly.read(asset["id"]) == asset
        assert asset["id"] not in {other["id"] for other in stranger.ask("GET").json()}


class TestWhoMay:
    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("authorization", [None, "", "Bearer", f"Token {TOKEN}", TOKEN, "Bearer unknown"])
    def test_a_token_is_demanded(self, service: Service, method: str, authorization: str | None) -> None:
        """401 with a challenge, although the vendor's samples show no header."""
        headers = {} if authorization is None else {"Authorization": authorization}

        answer = service.client.request(method, ASSETS, headers=headers)

        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("scope", ["read", "write", "delete"])
    def test_a_token_may_what_its_scope_says(self, service: Service, qooly: Client, scope: str) -> None:
        """403 for everything else."""
        asset = qooly.add(originals.png())
        client = _of_instance(service, "default", name=f"only {scope}", scopes=(scope,))

        may = {
            "read": [client.ask("GET").status_code, client.ask("GET", f"/{asset['id']}").status_code],
            "write": [
                client.upload(originals.png()).status_code,
                client.ask("PUT", f"/{asset['id']}", json={}).status_code,
                client.ask("PATCH", f"/{asset['id']}", json={}).status_code,
            ],
            "delete": [client.ask("DELETE", f"/{asset['id']}").status_code],
        }

        for permitted, statuses in may.items():
            assert all((status < 300) == (permitted == scope) for status in statuses), (permitted, statuses)
            assert permitted == scope or set(statuses) == {403}


class TestTakingAFileIn:
    def test_by_url(self, importing: Client, elsewhere: Elsewhere) -> None:
        """201 and the entity; the bytes are ours from then on."""
        sent = {"name": "Example Asset", "description": "imported", "url": f"{elsewhere.url}/shirt.png"}

        answer = importing.ask("POST", json=sent)
        elsewhere.files.clear()

        assert answer.status_code == 201
        asset = answer.json()
        assert (asset["name"], asset["description"], asset["type"]) == ("Example Asset.png", "imported", "Image")
        assert asset["url"].startswith(importing.service.url)
        assert httpx.get(asset["url"], trust_env=False).content == originals.png()
        assert importing.read(asset["id"]) == asset

    @pytest.mark.parametrize("path", ["/manual.pdf", "/get/manual.pdf?version=3", "/manual.pdf#page=2"])
    def test_a_file_by_url_is_what_its_url_says(self, importing: Client, path: str) -> None:
        """Its extension is that of the URL's last segment."""
        with other_server({path.partition("#")[0]: originals.pdf()}) as server:
            asset = importing.ask("POST", json={"name": "Manual", "url": server.url + path}).json()

        assert (asset["name"], asset["type"]) == ("Manual.pdf", "File")

    @pytest.mark.parametrize("sent", ["Image", "Video", "File", None])
    def test_the_type_is_decided_by_the_bytes(self, importing: Client, elsewhere: Elsewhere, sent: str | None) -> None:
        """What is sent is looked at and changes nothing."""
        fields = {"name": "Shirt", "url": f"{elsewhere.url}/shirt.png", "type": sent, "id": "5", "url_hash": "0"}

        answer = importing.ask("POST", json=fields)

        assert (answer.status_code, answer.json()["type"]) == (201, "Image")

    @pytest.mark.parametrize(
        ("body", "parameter"),
        [
            (b"", "body"),
            (b"{", "body"),
            (b"[]", "body"),
            (b'"text"', "body"),
            (b"{}", "name"),
            (b"\xff", "body"),
            (b"[" * 100_000, "body"),
            (b'{"name": "a"}', "url"),
            (b'{"url": "http://x/"}', "name"),
            (b'{"name": 5, "url": "http://x/"}', "name"),
            (b'{"name": null, "url": "http://x/"}', "name"),
            (b'{"name": " ", "url": "http://x/"}', "name"),
            (b'{"name": "a", "url": "http://x/", "description": ["b"]}', "description"),
            (b'{"name": "a", "url": "http://x/", "type": "image"}', "type"),
            (b'{"name": "a", "url": ""}', "url"),
            (b'{"name": "a", "url": "ftp://x/"}', "url"),
            (b'{"name": "a", "url": "/shirt.png"}', "url"),
            (b'{"name": "a", "url": "file:///etc/passwd"}', "url"),
            (b'{"name": "a", "url": "http://user:secret@x/"}', "url"),
        ],
    )
    def test_what_is_wrong_is_named(self, qooly: Client, body: bytes, parameter: str) -> None:
        """400, and nothing is fetched."""
        answer = qooly.ask("POST", content=body)

        assert assert_problem(answer, 400)["parameter"] == parameter

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1"])
    def test_private_addresses_are_not_asked(self, qooly: Client, host: str) -> None:
        """502 with the cause, unless the operator allows it."""
        answer = qooly.ask("POST", json={"name": "a", "url": f"http://{host}/shirt.png"})

        assert assert_problem(answer, 502)["cause"] in ("address-not-allowed", "name-not-resolved")

    def test_what_is_not_there_elsewhere_is_said_so(self, importing: Client, elsewhere: Elsewhere) -> None:
        """502: the other server's answer, not ours."""
        answer = importing.ask("POST", json={"name": "a", "url": f"{elsewhere.url}/none.png"})

        assert assert_problem(answer, 502)["cause"] == "status"

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"<html>Not found</html>", 415),
            (b"", 415),
            (originals.truncated(originals.png(800, 600)), 422),
            (bytes(200_001), 413),
        ],
        ids=["page", "empty", "half", "large"],
    )
    def test_what_is_no_picture_is_refused(self, importing: Client, data: bytes, status: int) -> None:
        """Where its URL says that it is one; nothing is kept."""
        before = _library(importing.service)

        with other_server({"/shirt.png": data}) as server:
            answer = importing.ask("POST", json={"name": "Shirt", "url": f"{server.url}/shirt.png"})

        assert_problem(answer, status)
        assert _library(importing.service) == before

    def test_a_form_may_say_the_same(self, qooly: Client) -> None:
        """Fields beside the file, in any order."""
        asset = qooly.add(originals.png(), "own.png", description="Grün", name="Hemd", type="Image", comment="none")

        assert (asset["name"], asset["description"]) == ("Hemd.png", "Grün")

    @pytest.mark.parametrize(
        ("fields", "parameter"), [({"type": "Picture"}, "type"), ({"name": ""}, "name"), ({"url": "http://x/"}, "url")]
    )
    def test_a_form_may_be_wrong(self, qooly: Client, fields: dict[str, str], parameter: str) -> None:
        """400; a file comes from one place."""
        assert assert_problem(qooly.upload(originals.png(), **fields), 400)["parameter"] == parameter

    def test_a_form_without_its_file_is_refused(self, qooly: Client) -> None:
        """The part is named."""
        answer = qooly.ask("POST", files={"picture": ("a.png", originals.png())})

        assert "file" in assert_problem(answer, 400)["detail"]


class TestChanging:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_what_is_left_out_stays(self, qooly: Client, method: str) -> None:
        """Either method; each field alone."""
        asset = qooly.add(originals.png(), "shirt.png", description="before")

        described = qooly.change(asset["id"], method, description="after")
        renamed = qooly.change(asset["id"], method, name="coat.png")

        assert (described["name"], described["description"]) == ("shirt.png", "after")
        assert (renamed["name"], renamed["description"]) == ("coat.png", "after")
        assert qooly.read(asset["id"]) == renamed

    def test_a_description_can_be_taken_away(self, qooly: Client) -> None:
        """By an empty one, as the entity shows it."""
        asset = qooly.add(originals.png(), description="before")

        assert qooly.change(asset["id"], description="")["description"] == ""

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_a_url_replaces_the_bytes(self, importing: Client, elsewhere: Elsewhere, method: str) -> None:
        """The same asset, the new file, under the old URLs from the next request on."""
        asset = importing.add(originals.png(), "shirt.png", description="stays")
        assert httpx.get(asset["url"], trust_env=False).content == originals.png()

        changed = importing.change(asset["id"], method, url=f"{elsewhere.url}/other/shirt.jpg")

        assert (changed["id"], changed["name"], changed["description"]) == (asset["id"], "shirt.jpg", "stays")
        for url in (asset["url"], changed["url"]):
            assert httpx.get(url, trust_env=False).content == elsewhere.files["/other/shirt.jpg"]
        assert originals.decode(httpx.get(asset["thumbnail_url"], trust_env=False).content).width == 120

    def test_all_at_once(self, importing: Client, elsewhere: Elsewhere) -> None:
        """The name is that of the new bytes."""
        asset = importing.add(originals.pdf(), "manual.pdf")

        changed = importing.change(
            asset["id"], "PUT", name="Coat", description="new", url=f"{elsewhere.url}/shirt.png", type="Image"
        )

        assert (changed["name"], changed["description"], changed["type"]) == ("Coat.png", "new", "Image")

    def test_a_form_replaces_the_bytes_too(self, qooly: Client) -> None:
        """With fields beside them."""
        asset = qooly.add(originals.png())
        parts = {"files": {"file": ("new.gif", originals.gif())}, "data": {"name": "Film"}}

        changed = qooly.ask("PUT", f"/{asset['id']}", **parts).json()

        assert changed["name"] == "Film.gif"
        assert httpx.get(asset["url"], trust_env=False).content == originals.gif()

    @pytest.mark.parametrize("extension", ["", ".pdf"])
    def test_a_file_without_an_extension_keeps_that_of_its_asset(self, importing: Client, extension: str) -> None:
        """What a URL does not tell is told by the name."""
        asset = importing.add(originals.pdf(), "manual.pdf")

        with other_server({f"/get{extension}": originals.pdf(100, 100)}) as server:
            changed = importing.change(asset["id"], url=f"{server.url}/get{extension}")

        assert (changed["name"], changed["type"]) == ("manual.pdf", "File")
        assert httpx.get(changed["url"], trust_env=False).headers["content-type"] == "application/pdf"

    def test_what_was_answered_may_be_sent_back(self, qooly: Client) -> None:
        """With one field changed; its own URL is not fetched, which this service may not."""
        asset = qooly.add(originals.png())

        changed = qooly.change(asset["id"], "PUT", **{**asset, "description": "new"})

        assert {**changed, "updated_at": ""} == {**asset, "description": "new", "updated_at": ""}

    def test_what_was_answered_long_ago_may_be_sent_back(self, qooly: Client) -> None:
        """Before it was renamed, or under another host: it is the asset's URL all the same."""
        asset = qooly.add(originals.png())
        qooly.change(asset["id"], name="renamed.png")
        elsewhere = f"https://cdn.shop.example{urlsplit(asset['url']).path}"

        for url in (asset["url"], elsewhere):
            changed = qooly.change(asset["id"], "PUT", url=url, description=url)

            assert (changed["name"], changed["description"]) == ("renamed.png", url)

    @pytest.mark.parametrize("fields", [{}, {"name": None, "url": None, "description": None}, {"unknown": 1}])
    def test_nothing_given_changes_nothing(self, service: Service, qooly: Client, fields: dict[str, Any]) -> None:
        """Not even who changed it."""
        other = _of_instance(service, "default", name="idle hand")
        asset = qooly.add(originals.png())

        assert other.change(asset["id"], "PUT", **fields) == asset

    @pytest.mark.parametrize(
        ("fields", "parameter"),
        [
            *(({"name": name}, "name") for name in ("", "..", "a/", "\0", 1)),
            ({"type": "?"}, "type"),
            ({"url": "x"}, "url"),
        ],
    )
    def test_what_is_wrong_changes_nothing(self, qooly: Client, fields: dict[str, Any], parameter: str) -> None:
        """400; what stood beside it is not taken either."""
        asset = qooly.add(originals.png())

        answer = qooly.ask("PATCH", f"/{asset['id']}", json={"description": "new", **fields})

        assert assert_problem(answer, 400)["parameter"] == parameter
        assert qooly.read(asset["id"]) == asset

    def test_bytes_that_are_refused_change_nothing(self, importing: Client) -> None:
        """Neither the file nor the name beside it."""
        asset = importing.add(originals.png())

        with other_server({"/shirt.png": originals.truncated(originals.png(800, 600))}) as server:
            answer = importing.ask("PUT", f"/{asset['id']}", json={"name": "n", "url": f"{server.url}/shirt.png"})

        assert_problem(answer, 422)
        assert importing.read(asset["id"]) == asset
        assert httpx.get(asset["url"], trust_env=False).content == originals.png()

    def test_nothing_is_fetched_for_an_asset_that_is_not_there(self, importing: Client, elsewhere: Elsewhere) -> None:
        """404 first."""
        answer = importing.ask("PUT", "/999999", json={"url": f"{elsewhere.url}/shirt.png"})

        assert_problem(answer, 404)
        assert elsewhere.asked == []

    def test_changes_at_the_same_time_lose_nothing(self, qooly: Client) -> None:
        """Who changes one field does not undo another: the last of each stays."""
        asset = qooly.add(originals.png())

        def change(field: str, form: str) -> None:
            for number in range(25):
                qooly.change(asset["id"], **{field: form.format(number)})

        with ThreadPoolExecutor(2) as threads:
            for done in [threads.submit(change, "name", "{}.png"), threads.submit(change, "description", "d{}")]:
                done.result(60)

        after = qooly.read(asset["id"])
        assert (after["name"], after["description"]) == ("24.png", "d24")


class TestDeleting:
    def test_one_of_many_at_once_deletes_it(self, qooly: Client) -> None:
        """One 200, else 404."""
        asset = qooly.add(originals.png())

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: qooly.ask("DELETE", f"/{asset['id']}").status_code, range(8)))

        assert sorted(answers) == [200] + [404] * 7


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("DELETE", "", {"GET", "HEAD", "POST"}),
        ("PUT", "", {"GET", "HEAD", "POST"}),
    ],
)
def test_a_method_that_is_none_is_said_so(qooly: Client, method: str, path: str, allowed: set[str]) -> None:
    """405, as problem details, with those there are."""
    answer = qooly.ask(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["", "/{id}"])
def test_a_head_is_that_of_the_answer(qooly: Client, path: str) -> None:
    """RFC 9110, section 9.3.2: without a body."""
    path = path.replace("{id}", qooly.add(originals.png())["id"])

    answer = qooly.ask("HEAD", path)

    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "application/json", b"")


def assert_like_the_example(entity: Mapping[str, Any], example: Mapping[str, Any]) -> None:
    """Field by field: the same names in the same order, text all, and the same but for those of `CANNOT_BE_EQUAL`."""
    assert list(entity) == list(example)
    for name, value in entity.items():
        assert isinstance(value, str), name
        if name not in CANNOT_BE_EQUAL:
            assert value == example[name], name
    assert re.fullmatch("[0-9]+", entity["id"])
    assert entity["name"] == f"{example['name']}.jpg"
    for name in ("created_at", "updated_at"):
        assert re.fullmatch(TIME, entity[name])
        assert re.fullmatch(TIME, example[name])
    for name in ("created_by", "updated_by", "url_hash"):
        assert 0 <= int(entity[name]) < 2**64
    for name in ("url", "thumbnail_url"):
        assert httpx.get(entity[name], trust_env=False).headers["content-type"] == "image/jpeg"


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    return problem


def _example(name: str) -> tuple[str, Any]:
    """A request line and the body that answers it; the vendor documents neither headers nor statuses."""
    request, body = (EXAMPLES / name).read_text().split("\n\n", 1)
    return request, json.loads(body)


def _replay(client: Client, request: str) -> httpx.Response:
    method, path = request.split()
    answer = client.ask(method, f"{MOUNTED_AT}{path}".removeprefix(ASSETS))
    assert answer.status_code == 200, answer.text
    return answer


def _told(entity: Mapping[str, Any]) -> dict[str, str]:
    """What of an example is ours to say."""
    return {name: entity[name] for name in ("name", "description", "type")}


def _of_instance(
    service: Service, instance: str, *, name: str = "other", scopes: tuple[str, ...] = ("read", "write", "delete")
) -> Client:
    options = [part for scope in scopes for part in ("--scope", scope)]
    made = service.command("token", "create", name, "--instance", instance, *options)
    assert made.returncode == 0, made.stderr
    return Client(service=service, token=made.stdout.strip())


def _other_ids(service: Service, serial: str) -> tuple[str, str]:
    """GUID and slug."""
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        return catalog.execute("SELECT id, slug FROM assets WHERE serial = ?", (serial,)).fetchone()


def _multiply(service: Service, instance: str, count: int) -> None:
    """The one asset of that instance, so often in all, written past the service."""
    with closing(sqlite3.connect(service.data / "catalog.sqlite", timeout=30)) as catalog, catalog:
        names: list[str] = [row[1] for row in catalog.execute("PRAGMA table_info(assets)") if row[1] != "serial"]
        unique = {"id": "hex(randomblob(16))", "slug": "hex(randomblob(4))", "code": "hex(randomblob(16))"}
        values = ", ".join([unique.get(name, name) for name in names])
        catalog.execute(
            f"""WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
            INSERT INTO assets ({", ".join(names)}) SELECT {values} FROM assets, numbers WHERE instance = ?""",
            (instance,),
        )


def _library(service: Service) -> tuple[int, int]:
    """How many assets and how many files there are, those on their way included."""
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (assets,) = catalog.execute("SELECT count(*) FROM assets").fetchone()
    folder = service.data / "originals"
    return assets, len(list(folder.glob("??/??/*"))) + len(list(folder.glob("incoming/*")))
