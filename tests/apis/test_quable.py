"""Quable's API: the vendor's documented exchanges, replayed at the vendor's own addresses, and requests beyond them."""

import json
import re
import struct
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from imgsvc.apis.quable.attributes import merge_attributes
from imgsvc.apis.quable.describing import file_size_text
from imgsvc.apis.quable.details import Details
from imgsvc.apis.quable.failures import QUABLE_FAILURES
from imgsvc.apis.quable.hydra import Page, make_view
from tests import originals
from tests.fakes import make_file, make_original
from tests.metadata import profiles
from tests.servers import TOKEN, Service, serving

NOBODYS = "11111111-2222-4333-8444-555555555555"
"""The id of a file that nobody has sent: the same in every process, so that tests have the same names in all."""

EXAMPLES = Path(__file__).parent / "examples"

INSTANCE = "education-developers"
HOST = f"{INSTANCE}.quable.com"
CDN = "cdn.quable.com"
PRESET = "1920x"
"""The profile that the vendor's instance has of its own."""

LD_JSON = "application/ld+json; charset=utf-8"

FILE_LENGTH = 1_373_000
"""Bytes: 1373 kB, and 1.31 MB of 1024 kB each."""

CANNOT_BE_EQUAL: Mapping[str, str] = {
    "id": "of a file: chosen by whoever stores it",
    "location.filename": "the file's id again",
    "legacyId": "given by whoever stores the asset, in turn",
    "classifications.0.legacyId": "likewise",
    "dateCreated": "the clock's",
    "dateModified": "likewise",
    "metadata.detail.FileModifyDate": "the clock's",
    "metadata.detail.FileAccessDate": "likewise",
    "metadata.detail.FileInodeChangeDate": "likewise",
    "metadata.detail.ProfileCopyright": "of the vendor's colour profile, which is not ours to copy",
    "metadata.detail.ProfileDescription": "likewise",
    "metadata.detail.DeviceMfgDesc": "likewise",
    "metadata.detail.DeviceModelDesc": "likewise",
    "metadata.detail.ViewingCondDesc": "likewise",
}

NO_PROFILE_THERE = {"thumbnails.1920x": "a profile that the vendor's instance did not have when it answered this"}

OLDER_ASSET = {
    "thumbnailUrl": "an older asset of the vendor's: the preset's name was shorter",
    "previewUrl": "likewise",
    "thumbnails.preview": "likewise",
    "thumbnails.thumbnail": "likewise",
    "metadata.file_size": "likewise: `1.31MB`, where newer ones have a space",
    "metadata.detail.FilePermissions": "likewise: the vendor's file could be read by its owner alone",
}

NOT_YET_FETCHED = {
    "name": "the vendor answers before it has fetched the file, we afterwards",
    "metadata": "likewise",
    "thumbnailUrl": "likewise",
    "previewUrl": "likewise",
    "thumbnails": "likewise",
    "url": "likewise; and the example names another server than its request",
    "originalFilename": "likewise",
    "attributes": "the vendor's answer leaves out what its request has set",
}

OTHER_ATTRIBUTES = {"attributes": "the vendor's answer shows others than its request sets; all are compared"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`form` and `sent`: what the request's body is; `status` None: the vendor says nothing of it."""

    method: str
    path: str
    headers: Mapping[str, str]
    form: Mapping[str, str]
    sent: Any
    status: int | None
    answer: Any

    @classmethod
    def read(cls, name: str) -> "Exchange":
        """Request head, request body, status, answered body, with empty lines between; bodies may be missing."""
        head, *parts = (EXAMPLES / f"quable_{name}.http").read_text().rstrip("\n").split("\n\n")
        answered = next(number for number, part in enumerate(parts) if part.startswith("HTTP"))
        body = "".join(parts[:answered])
        request_line, *fields = head.splitlines()
        method, path = request_line.split()
        status = parts[answered].removeprefix("HTTP").strip()
        return cls(
            method=method,
            path=path,
            headers=dict(line.split(": ", 1) for line in fields),
            form=dict(line.split("=", 1) for line in body.splitlines()) if "=" in body[:20] else {},
            sent=json.loads(body) if body.startswith("{") else None,
            status=int(status) if status else None,
            answer=json.loads(parts[answered + 1]) if parts[answered + 1 :] else None,
        )


@dataclass(frozen=True, kw_only=True)
class Pim:
    """The service as a client of the vendor's knows it: at the vendor's hosts, with a token of one instance."""

    service: Service
    token: str = TOKEN
    host: str = HOST

    def ask(self, method: str, path: str, body: object = None, **options: Any) -> httpx.Response:
        headers = {"Host": self.host, "Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if body is not None:
            options["content"] = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.service.client.request(method, path, headers=headers, **options)

    def send(self, data: bytes, name: str = "shirt.png") -> str:
        """The id of a file sent ahead."""
        answer = self.ask("POST", "/api/files", files={"file": (name, data)}, data={"fileType": "asset"})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def create(self, data: bytes | None = None, name: str = "shirt.png", **fields: object) -> dict[str, Any]:
        """A new asset of bytes that are sent ahead, described."""
        answer = self.post({"file": {"id": self.send(data or originals.png(40, 30), name)}, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def post(self, body: object) -> httpx.Response:
        return self.ask("POST", "/api/assets", body)

    def get(self, id: str) -> httpx.Response:
        return self.ask("GET", asset_path(id))

    def put(self, id: str, body: object) -> httpx.Response:
        return self.ask("PUT", asset_path(id), body)

    def delete(self, id: str) -> httpx.Response:
        return self.ask("DELETE", asset_path(id))

    def link(self, asset: str, **fields: object) -> httpx.Response:
        body = {"origin": {"id": "document"}, "target": {"id": asset}, "linkType": {"id": "picture"}, **fields}
        return self.ask("POST", "/api/links", body)

    def download(self, url: str) -> httpx.Response:
        """What a picture's absolute URL answers."""
        parts = urlsplit(url)
        assert parts.netloc == CDN
        return self.service.client.get(f"{parts.path}?{parts.query}", headers={"Host": CDN})

    def of_instance(self, instance: str, *scopes: str) -> "Pim":
        """With a token of another instance, or of fewer permissions."""
        options = [option for scope in scopes for option in ("--scope", scope)]
        made = self.service.command("token", "create", str(uuid4()), "--instance", instance, *options)
        return Pim(service=self.service, token=made.stdout.strip(), host=self.host)


@dataclass(kw_only=True)
class Remote:
    """Another server: bytes by path. Any other path is 404."""

    port: int
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def url(self, path: str, data: bytes) -> str:
        self.files[path] = data
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture(scope="module")
def pim(tmp_path_factory: pytest.TempPathFactory) -> Generator[Pim]:
    """Where the vendor is."""
    settings = {
        "instance": INSTANCE,
        "public_url": "https://pictures.example",
        "places": f"quable: {HOST}; cdn: {CDN}",
        "presets": f"{PRESET}: width=1920",
        "import_private": "true",
    }
    with serving(tmp_path_factory.mktemp("quable") / "data", workers=2, **settings) as service:
        yield Pim(service=service)


@pytest.fixture(scope="module")
def shop(pim: Pim) -> Pim:
    """Another instance of the same service."""
    return pim.of_instance("shop", "read", "write", "delete")


@pytest.fixture(scope="module")
def remote() -> Generator[Remote]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = remote.files.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        remote = Remote(port=server.server_address[1])
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        yield remote
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def shirt() -> bytes:
    """As the vendor's: progressive, 4:2:0, 72 dpi, with the numbers of its colour profile, and as many bytes."""
    picture = originals.quadrants(3064, 4592)
    data = picture.jpegsave_buffer(Q=80, interlace=True, subsample_mode="on", keep=pyvips.ForeignKeep.NONE)
    data = data[:2] + _jfif() + _icc(_screen_profile()) + data[2:]
    return data + bytes(FILE_LENGTH - len(data))


@pytest.fixture(scope="module")
def sent(pim: Pim, shirt: bytes) -> str:
    """The id of the vendor's file."""
    return pim.send(shirt, "shirt.jpg")


class TestTheDocumentedExchanges:
    def test_pushing_the_file(self, pim: Pim, shirt: bytes) -> None:
        """The documented fields; the status, of which the document is silent, is that of everything created."""
        example = Exchange.read("send_file")
        assert example.form == {"fileType": '"asset"', "file": '@"{{assetFile}}"'}

        answer = pim.ask(
            example.method,
            example.path,
            data={"fileType": "asset"},
            files={"file": (example.answer["name"], shirt, "image/jpeg")},
        )

        assert answer.status_code == 201
        assert_like(answer.json(), example.answer)
        assert answer.json()["location"]["filename"] == answer.json()["id"] == str(UUID(answer.json()["id"]))

    def test_creating_the_asset_object(self, pim: Pim, sent: str) -> None:
        """201, and every field of the example; only the ids differ between the vendor's request and its answer."""
        example = Exchange.read("create_from_file")
        body = example.sent | {"id": "blueshirt", "file": {"id": sent}, "classification": {"id": "dam_sort"}}

        answer = pim.ask(example.method, example.path, body, headers=_headers(example))

        assert answer.status_code == example.status == 201
        assert answer.headers["content-type"] == LD_JSON
        assert_like(answer.json(), example.answer, NO_PROFILE_THERE)

    def test_creating_an_asset_of_an_external_file(self, pim: Pim, remote: Remote, shirt: bytes) -> None:
        """201; the file is fetched before the answer, so what the vendor leaves empty is there."""
        example = Exchange.read("create_from_url")
        url = urlsplit(example.sent["remotePath"])
        body = example.sent | {"classification": {"id": "dam_sort"}}
        body["remotePath"] = remote.url(f"{url.path}?{url.query}", shirt)

        answer = pim.ask(example.method, example.path, body, headers=_headers(example))

        assert answer.status_code == example.status == 201
        assert_like(answer.json(), example.answer, NOT_YET_FETCHED)
        assert answer.json()["attributes"] == example.sent["attributes"]
        assert answer.json()["name"] == answer.json()["originalFilename"] == "images.jpg"
        assert pim.download(answer.json()["url"]).content == shirt

    def test_fetching_an_asset(self, pim: Pim, sent: str) -> None:
        """200 and the asset itself, with the profile `1920x` among its thumbnails."""
        example = Exchange.read("fetch")
        pim.post({"id": example.answer["id"], "file": {"id": sent}, "classification": {"id": "dam_sort"}})

        answer = pim.ask(example.method, example.path)

        assert answer.status_code == example.status == 200
        assert answer.headers["content-type"] == LD_JSON
        assert_like(answer.json(), example.answer, OLDER_ASSET)

    def test_updating_an_asset(self, pim: Pim, sent: str) -> None:
        """200: "Not all attributes need to be pushed here", those that were there stay."""
        example = Exchange.read("update")
        id = example.sent["id"]
        fields = {"file": {"id": sent}, "classification": {"id": "dam_sort"}}
        pim.post({"id": id, "attributes": example.answer["attributes"], **fields})

        answer = pim.ask(example.method, example.path, example.sent, headers=_headers(example))

        assert answer.status_code == example.status == 200
        expected = json.loads(json.dumps(example.answer).replace("blueshirt", id))
        assert_like(answer.json(), expected, {**OTHER_ATTRIBUTES, **NO_PROFILE_THERE})
        assert answer.json()["attributes"] == example.answer["attributes"] | example.sent["attributes"]
        assert answer.json()["metadata"] == pim.get(id).json()["metadata"]

    def test_deleting_an_asset(self, pim: Pim) -> None:
        """204, "and the response body will be empty"; with the asset its pictures are gone."""
        example = Exchange.read("delete")
        asset = pim.create(id=example.path.rpartition("/")[2])
        assert pim.download(asset["previewUrl"]).status_code == 200

        answer = pim.ask(example.method, example.path)

        assert (answer.status_code, answer.content) == (example.status, b"")
        assert pim.get(asset["id"]).status_code == 404
        assert pim.download(asset["url"]).status_code == 404
        assert pim.delete(asset["id"]).status_code == 404

    def test_linking_an_asset_to_a_document(self, pim: Pim) -> None:
        """201, and the asset shows the link."""
        example = Exchange.read("link")
        target = example.sent["target"]["id"]
        pim.create(id=target)

        answer = pim.ask(example.method, example.path, example.sent, headers=_headers(example))

        assert answer.status_code == example.status == 201
        assert example.sent.items() <= answer.json().items()
        (link,) = pim.get(target).json()["documentLinks"]
        assert link["@id"] == answer.json()["@id"]


class TestWhereItIs:
    def test_below_its_prefix_paths_have_it(self, service: Service) -> None:
        """Without a host of its own the service answers below `/quable`, and says so in what it answers."""
        local = Pim(service=service, host=urlsplit(service.url).netloc)
        file = local.ask("POST", "/quable/api/files", files={"file": ("a.png", originals.png())}).json()

        asset = local.ask("POST", "/quable/api/assets", {"file": {"id": file["id"]}}).json()
        page = local.ask("GET", "/quable/api/assets?limit=1").json()

        assert asset["@id"] == f"/quable/api/assets/{asset['id']}"
        assert asset["@context"]["@vocab"] == f"{service.url}/quable/api/docs.jsonld#"
        assert asset["url"].startswith(f"{service.url}/cdn/")
        assert page["hydra:view"]["@id"] == "/quable/api/assets?page=1&limit=1"
        assert service.client.get(asset["url"]).status_code == 200


class TestIds:
    @pytest.mark.parametrize(
        "id",
        [
            *("a blue shirt", "100%", "%41", "Ünïcödé-衬衫", "🧥", "CamelCase", "a.b,c;d=e+f&g", "?x#y[1]", '"q"'),
            *("12345678901", "wuqj0ouk", "~", "-", "images", "a" * 255, "'; drop table assets --"),
        ],
    )
    def test_an_id_may_be_nearly_any_text(self, pim: Pim, id: str) -> None:
        """And the addresses that are answered lead to the asset and its picture."""
        data = originals.png(40, 31)

        asset = pim.create(data, id=id)

        assert asset["id"] == id
        assert asset["@id"] == asset_path(id)
        assert pim.ask("GET", asset["@id"]).json()["id"] == id
        assert pim.download(asset["url"]).content == data
        assert pim.download(asset["thumbnailUrl"]).status_code == 200

    @pytest.mark.parametrize("id", ["", " ", "a/b", "a\\b", "..", " a", "a ", "a\nb", "\0", "a" * 256])
    def test_what_cannot_stand_in_a_path_is_no_id(self, pim: Pim, id: str) -> None:
        """400, before anything is looked up."""
        answer = pim.post({"id": id, "file": {"id": str(uuid4())}})

        assert assert_error(answer, 400).startswith("id must be")

    def test_ids_differ_by_case(self, pim: Pim) -> None:
        """Two assets."""
        serials = {pim.create(id="Case")["legacyId"], pim.create(id="case")["legacyId"]}

        assert len(serials) == 2
        assert pim.get("CASE").status_code == 404

    def test_an_id_that_is_taken(self, pim: Pim, remote: Remote) -> None:
        """409; what is there stays, and nothing is fetched for it."""
        asset = pim.create(id="taken")
        file = pim.send(originals.png())

        answers = [pim.post({"id": "taken", "file": {"id": file}}), pim.post({"id": "taken", "remotePath": "no URL"})]

        for answer in answers:
            assert_error(answer, 409)
        assert pim.get("taken").json() == asset

    def test_an_id_that_many_want_at_once(self, pim: Pim) -> None:
        """One gets it."""
        file = pim.send(originals.png())

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: pim.post({"id": "wanted", "file": {"id": file}}), range(8)))

        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7

    def test_an_asset_without_an_id_gets_a_guid(self, pim: Pim) -> None:
        """It is its id and its code."""
        asset = pim.create()

        assert str(UUID(asset["id"])) == asset["id"]
        assert pim.get(asset["id"]).json() == asset

    def test_an_id_that_is_a_guid_is_the_guid_for_every_api(self, pim: Pim) -> None:
        """An asset has one identity."""
        guid = str(uuid4())

        pim.create(id=guid)

        assert pim.service.get(f"/iqmetrix/assets/{guid}").json()["id"] == guid

    def test_an_asset_is_found_by_its_guid(self, pim: Pim) -> None:
        """In any case; its code, which it was given, goes before."""
        guid = str(uuid4()).upper()
        pim.create(id=guid)

        answers = [pim.get(guid), pim.get(guid.lower())]

        assert [answer.json()["id"] for answer in answers] == [guid, guid]
        assert_error(pim.post({"id": guid.lower(), "file": {"id": pim.send(originals.png())}}), 409)

    def test_serials_are_no_ids(self, pim: Pim) -> None:
        """A code may be any number, so a number is a code."""
        assert_error(pim.get(str(pim.create()["legacyId"])), 404)


class TestInstances:
    def test_no_instance_sees_anothers_assets(self, pim: Pim, shop: Pim) -> None:
        """By whatever id and method."""
        guid = str(uuid4())
        pim.create(id=guid)
        link = pim.link(guid).json()

        answers = [
            shop.get(guid),
            shop.put(guid, {"active": False}),
            shop.delete(guid),
            shop.link(guid),
            shop.ask("GET", link["@id"]),
            shop.ask("DELETE", link["@id"]),
        ]

        for answer in answers:
            assert_error(answer, 404)
        assert pim.get(guid).json()["active"] is True

    def test_nor_learns_that_an_id_is_taken(self, pim: Pim, shop: Pim) -> None:
        """The same id in both, also where it is a GUID, of which there can be one alone."""
        guid = str(uuid4())

        mine, theirs = pim.create(id=guid), shop.create(id=guid)

        assert mine["id"] == theirs["id"] == guid
        assert mine["legacyId"] != theirs["legacyId"]
        assert shop.get(guid).json() == theirs
        assert pim.get(guid).json() == mine
        assert theirs["url"] == f"https://{CDN}/shop/{guid}/original/shirt.png"

    def test_nor_uses_anothers_files(self, pim: Pim, shop: Pim) -> None:
        """404, as for a file that nobody has sent."""
        file = pim.send(originals.png())

        assert assert_error(shop.post({"file": {"id": file}}), 404) == "There is no file of that id."


class TestFiles:
    @pytest.mark.parametrize("file_type", ["document", "", "Asset"])
    def test_a_file_of_another_type_is_refused(self, pim: Pim, file_type: str) -> None:
        """`asset` is the one that there is."""
        answer = pim.ask("POST", "/api/files", files={"file": ("a.png", originals.png())}, data={"fileType": file_type})

        assert assert_error(answer, 400).startswith("fileType must be asset")

    def test_the_type_may_come_behind_the_file_or_not_at_all(self, pim: Pim) -> None:
        """The order of a form's parts has no meaning."""
        behind = [("file", ("a.png", originals.png())), ("fileType", (None, "asset"))]

        answers = [
            pim.ask("POST", "/api/files", files=behind),
            pim.ask("POST", "/api/files", files={"file": ("a.png", originals.png())}),
        ]

        assert [answer.status_code for answer in answers] == [201, 201]

    @pytest.mark.parametrize(
        ("name", "data", "status"),
        [
            ("a.png", originals.truncated(originals.png(300, 300)), 422),
            ("a.png", b"no picture", 422),
            ("a.png", b"", 422),
        ],
    )
    def test_bytes_that_are_not_what_they_claim_are_refused(
        self, pim: Pim, name: str, data: bytes, status: int
    ) -> None:
        """422 in the vendor's table: "do not repeat unmodified"."""
        assert_error(pim.ask("POST", "/api/files", files={"file": (name, data)}), status)

    @pytest.mark.parametrize("files", [{"Filename": ("a.png", b"x")}, {"x": (None, "y")}])
    def test_a_form_without_the_file(self, pim: Pim, files: Any) -> None:
        """400."""
        assert_error(pim.ask("POST", "/api/files", files=files), 400)

    def test_a_file_may_be_shown_by_many_assets(self, pim: Pim) -> None:
        """It stays until it expires."""
        file = pim.send(originals.png())

        answers = [pim.post({"file": {"id": file}}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]

    @pytest.mark.parametrize("id", ["theFileIdentifier", NOBODYS])
    def test_a_file_that_nobody_has_sent(self, pim: Pim, id: str) -> None:
        """404."""
        assert_error(pim.post({"file": {"id": id}}), 404)

    def test_a_document_is_an_asset_too(self, pim: Pim) -> None:
        """ "a binary file (jpeg, mp4, ppt, etc.)": without what only pictures have."""
        data = originals.pdf()

        asset = pim.create(data, "User manual.pdf")

        assert asset["metadata"] == {
            "file_size": file_size_text(len(data)),
            "file_name": "User manual.pdf",
            "mime_type": "application/pdf",
        }
        assert (asset["thumbnailUrl"], asset["previewUrl"], asset["thumbnails"]) == ("", "", {"preview": None})
        assert pim.download(asset["url"]).content == data


class TestRemotePath:
    @pytest.mark.parametrize(
        ("path", "data", "name"),
        [
            ("/a/Blue%20shirt.png", originals.png(), "Blue shirt.png"),
            ("/shirt.jpeg", originals.jpeg(), "shirt.jpeg"),
            ("/get.php?file=1.png", originals.jpeg(), "get.php.jpg"),
            ("/shirt.jpg", originals.png(), "shirt.jpg.png"),
            ("/images?q=1", originals.webp(), "images.webp"),
            ("/", originals.png(), "{id}.png"),
            ("/?file=manual.pdf", originals.pdf(), "{id}"),
            ("/manual.pdf", originals.pdf(), "manual.pdf"),
        ],
    )
    def test_the_name_is_that_of_the_url(self, pim: Pim, remote: Remote, path: str, data: bytes, name: str) -> None:
        """A picture's has the extension that its bytes deserve."""
        id = str(uuid4())

        asset = pim.post({"id": id, "remotePath": remote.url(path, data)}).json()

        assert asset["name"] == name.format(id=id)
        assert pim.download(asset["url"]).content == data

    def test_a_name_that_is_given_holds(self, pim: Pim, remote: Remote) -> None:
        """Whatever the URL says."""
        asset = pim.post({"name": "front.png", "remotePath": remote.url("/x.png", originals.png())}).json()

        assert asset["name"] == "front.png"

    def test_a_server_that_says_no(self, pim: Pim, remote: Remote) -> None:
        """502 and a word that a program can read."""
        answer = pim.post({"remotePath": f"http://127.0.0.1:{remote.port}/nothing.png"})

        assert_error(answer, 502)
        assert answer.json()["cause"] == "status"

    def test_private_addresses_are_not_called_unless_allowed(self, service: Service, remote: Remote) -> None:
        """The setting is off by default."""
        local = Pim(service=service, host=urlsplit(service.url).netloc)

        answer = local.ask("POST", "/quable/api/assets", {"remotePath": remote.url("/x.png", originals.png())})

        assert_error(answer, 502)
        assert answer.json()["cause"] == "address-not-allowed"

    @pytest.mark.parametrize("url", ["", "shirt.png", "file:///etc/passwd", "ftp://127.0.0.1/a", "http://"])
    def test_what_is_no_url(self, pim: Pim, url: str) -> None:
        """400, by the name that the caller knows."""
        assert assert_error(pim.post({"remotePath": url}), 400).startswith("remotePath must be")

    def test_bytes_that_are_no_picture_under_a_pictures_name(self, pim: Pim, remote: Remote) -> None:
        """422: an error page of a server that answers 200."""
        assert_error(pim.post({"remotePath": remote.url("/lost.jpg", b"<html>not found")}), 422)


class TestCreating:
    def test_all_fields_at_once(self, pim: Pim) -> None:
        """Each is answered as it was set."""
        attributes = {"name": {"fr_FR": "Chemise", "en_GB": None}, "n": 1.5, "list": [1, "a", None], "big": 2**70}

        asset = pim.create(name="x.png", attributes=attributes, active=False, classification={"id": "summer"})

        assert asset["attributes"] == attributes
        assert asset["active"] is False
        assert [one["id"] for one in asset["classifications"]] == ["summer"]
        assert asset["classifications"][0]["@id"] == "/api/classifications/summer"
        assert pim.get(asset["id"]).json() == asset

    def test_an_empty_array_is_no_attributes(self, pim: Pim) -> None:
        """PHP writes `[]` for an empty map, and so does the vendor."""
        assert [pim.create(attributes=empty)["attributes"] for empty in ([], {}, None)] == [[], [], []]

    def test_a_classification_keeps_its_number(self, pim: Pim) -> None:
        """For all assets that are in it."""
        first, second, other = (pim.create(classification={"id": id}) for id in ("winter", "winter", "spring"))

        numbers = [asset["classifications"][0]["legacyId"] for asset in (first, second, other)]
        assert numbers[0] == numbers[1] != numbers[2]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"id": "x"},
            {"file": {"id": NOBODYS}, "remotePath": "http://127.0.0.1/a.png"},
            {"file": None, "remotePath": None},
            {"file": NOBODYS},
            {"file": {}},
            {"file": {"id": 1.5}},
            {"id": 1, "file": {"id": NOBODYS}},
            {"file": {"id": NOBODYS}, "attributes": "a"},
            {"file": {"id": NOBODYS}, "attributes": ["a"]},
            {"file": {"id": NOBODYS}, "active": "yes"},
            {"file": {"id": NOBODYS}, "name": ""},
            {"file": {"id": NOBODYS}, "name": "a/b.png"},
            {"file": {"id": NOBODYS}, "classification": "dam_sort"},
            {"file": {"id": NOBODYS}, "classification": {"id": "a/b"}},
            {"remotePath": ["http://127.0.0.1/a.png"]},
            [],
            None,
            "text",
            b"",
            b"{",
            b"\xff",
            b'{"id": "\\ud800", "remotePath": "http://127.0.0.1/a.png"}',
            b'{"attributes": {"a": 1e999}, "remotePath": "http://127.0.0.1/a.png"}',
            b'{"attributes":' + b"[" * 100_000,
        ],
        ids=lambda body: str(body)[:40],
    )
    def test_what_is_not_understood_is_refused(self, pim: Pim, body: object) -> None:
        """400 and a sentence."""
        assert_error(pim.ask("POST", "/api/assets", b"null" if body is None else body), 400)


class TestChanging:
    def test_attributes_merge_by_name_and_by_locale(self, pim: Pim) -> None:
        """What the body does not name stays, null is a value."""
        attributes = {"title": {"fr_FR": "Chemise", "en_GB": "Shirt"}, "year": 2023, "model": "Jane"}
        asset = pim.create(attributes=attributes)

        changed = pim.put(asset["id"], {"attributes": {"title": {"en_GB": None, "de_DE": "Hemd"}, "year": {"a": 1}}})

        assert changed.json()["attributes"] == {
            "title": {"fr_FR": "Chemise", "en_GB": None, "de_DE": "Hemd"},
            "year": {"a": 1},
            "model": "Jane",
        }

    def test_each_field_changes_alone(self, pim: Pim) -> None:
        """And nothing else but the time."""
        asset = pim.create(attributes={"a": 1}, classification={"id": "old"})
        known = asset | {"dateModified": ""}

        named = pim.put(asset["id"], {"name": "front.png"}).json()
        inactive = pim.put(asset["id"], {"active": False}).json()
        moved = pim.put(asset["id"], {"classification": {"id": "new"}}).json()

        assert (named["name"], named["originalFilename"]) == ("front.png", "front.png")
        assert inactive | {"active": True, "dateModified": ""} == named | {"dateModified": ""}
        assert [one["id"] for one in moved["classifications"]] == ["new"]
        assert moved["attributes"] == known["attributes"]

    def test_what_answers_call_it_may_be_sent_back_changed(self, pim: Pim) -> None:
        """`classifications` and `isActive` are an answer's and a context's words for what a request calls otherwise."""
        asset = pim.create(classification={"id": "old"})

        changed = pim.put(asset["id"], {"classifications": [{"id": "new"}, {"id": "other"}], "isActive": False}).json()

        assert [one["id"] for one in changed["classifications"]] == ["new", "other"]
        assert changed["active"] is False

    def test_an_asset_may_be_sent_back_as_it_came(self, pim: Pim) -> None:
        """What a client has read it may change and put, `[]` and all; what is not settable is passed over."""
        asset = pim.create(id="there and back")

        answer = pim.put(asset["id"], asset)

        assert answer.status_code == 200
        assert answer.json() | {"dateModified": ""} == asset | {"dateModified": ""}

    @pytest.mark.parametrize("body", [{}, {"attributes": []}, {"attributes": {}}, {"name": None, "active": None}])
    def test_nothing_to_change(self, pim: Pim, body: object) -> None:
        """200, and not even the time."""
        asset = pim.create()

        assert pim.put(asset["id"], body).json() == asset

    def test_the_bytes_of_an_asset_by_a_file_sent_ahead(self, pim: Pim) -> None:
        """The same asset shows them at once, its attributes stay, its name has the new extension."""
        asset = pim.create(originals.png(60, 40), attributes={"a": 1})
        before = pim.download(asset["previewUrl"])
        data = originals.jpeg(30, 50)

        changed = pim.put(asset["id"], {"file": {"id": pim.send(data, "x.jpg")}, "attributes": {"b": 2}}).json()

        assert (changed["id"], changed["legacyId"]) == (asset["id"], asset["legacyId"])
        assert changed["attributes"] == {"a": 1, "b": 2}
        assert (changed["name"], changed["metadata"]["mime_type"]) == ("shirt.jpg", "image/jpeg")
        assert (changed["metadata"]["width"], changed["metadata"]["height"]) == ("30", "50")
        assert changed["metadata"]["detail"]["ImageSize"] == "30x50"
        assert pim.download(changed["url"]).content == data
        assert pim.download(changed["previewUrl"]).headers["etag"] != before.headers["etag"]

    def test_the_bytes_of_an_asset_by_url(self, pim: Pim, remote: Remote) -> None:
        """Its name stays where it is a picture of the same format."""
        asset = pim.create(originals.png(60, 40), "front.png")
        data = originals.png(20, 30)

        changed = pim.put(asset["id"], {"remotePath": remote.url("/back.png", data)}).json()

        assert changed["name"] == "front.png"
        assert pim.download(changed["url"]).content == data

    def test_bytes_that_cannot_be_taken_leave_the_asset_as_it_was(self, pim: Pim, remote: Remote) -> None:
        """All of it, also what could have been changed."""
        asset = pim.create()
        lost = remote.url("/lost.jpg", b"<html>")

        answer = pim.put(asset["id"], {"remotePath": lost, "attributes": {"a": 1}})

        assert_error(answer, 422)
        assert pim.get(asset["id"]).json() == asset

    @pytest.mark.parametrize(
        "body",
        [
            {"id": "another"},
            {"attributes": 1},
            {"file": {"id": NOBODYS}, "remotePath": "http://127.0.0.1/a.png"},
            {"name": "a/b"},
            {"classification": {"id": ""}},
            [],
        ],
    )
    def test_what_is_not_understood_changes_nothing(self, pim: Pim, body: object) -> None:
        """400."""
        asset = pim.create()

        assert_error(pim.put(asset["id"], body), 400)
        assert pim.get(asset["id"]).json() == asset

    def test_an_asset_that_is_not_there(self, pim: Pim) -> None:
        """404: PUT creates nothing."""
        assert_error(pim.put("nobody", {"active": True}), 404)

    def test_changes_at_the_same_time_all_hold(self, pim: Pim) -> None:
        """Twenty clients, each with an attribute and a language of its own, over two server processes."""
        asset = pim.create(attributes={"title": {"start": "x"}})

        def change(number: int) -> int:
            attributes = {f"a{number}": number, "title": {f"l{number}": "x"}}
            return pim.put(asset["id"], {"attributes": attributes}).status_code

        with ThreadPoolExecutor(20) as threads:
            statuses = set(threads.map(change, range(20)))

        attributes = pim.get(asset["id"]).json()["attributes"]
        assert statuses == {200}
        assert {f"a{number}" for number in range(20)} < attributes.keys()
        assert attributes["title"].keys() == {"start", *(f"l{number}" for number in range(20))}


class TestMetadata:
    @pytest.mark.parametrize(
        ("data", "space"),
        [
            (originals.jpeg(), "sRGB"),
            (originals.jpeg(icc="srgb"), "sRGB"),
            (originals.jpeg(icc="p3"), "RGB"),
            (originals.jpeg(grey=True), "Gray"),
            (originals.jpeg(cmyk=True), "CMYK"),
            (originals.png(), "sRGB"),
            (originals.png(grey=True), "Gray"),
            (originals.gif(), "sRGB"),
            (originals.webp(), "sRGB"),
            (originals.avif(), "sRGB"),
            (originals.tiff(), "sRGB"),
            (originals.bmp(), "sRGB"),
            (originals.svg(), "sRGB"),
        ],
        ids=range(13),
    )
    def test_the_colour_space_is_told(self, pim: Pim, data: bytes, space: str) -> None:
        """Of every format that is taken in."""
        metadata = pim.create(data, "picture")["metadata"]

        assert metadata["color_space"] == space
        assert metadata["detail"]["MIMEType"] == metadata["mime_type"]

    @pytest.mark.parametrize(
        ("data", "size"),
        [
            (originals.png(30, 40), ("30", "40", "portrait")),
            (originals.png(40, 30), ("40", "30", "landscape")),
            (originals.png(40, 40), ("40", "40", "square")),
            (originals.orientation_jpeg(6, 40, 30), ("40", "30", "landscape")),
        ],
        ids=["portrait", "landscape", "square", "turned"],
    )
    def test_the_size_is_that_of_the_upright_picture(self, pim: Pim, data: bytes, size: tuple[str, ...]) -> None:
        """As text, as the vendor has it."""
        metadata = pim.create(data)["metadata"]

        assert (metadata["width"], metadata["height"], metadata["orientation"]) == size

    @pytest.mark.parametrize(
        ("length", "text"),
        [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KB"),
            (FILE_LENGTH, "1.31 MB"),
            (1024**2, "1.00 MB"),
            (5 * 1024**3, "5.00 GB"),
        ],
    )
    def test_sizes_of_files_are_counted_in_units_of_1024(self, length: int, text: str) -> None:
        """The example's 1373 kB are 1.31 MB."""
        assert file_size_text(length) == text


class TestDetails:
    @pytest.mark.anyio
    async def test_what_cannot_be_read_is_left_out(self, tmp_path: Path) -> None:
        """A file that is not there, and one that is no picture, are no failure of a request."""
        details = Details(locate=lambda digest: tmp_path / digest)

        assert await details.of_originals([make_original(), make_file()]) == [None, None]

    @pytest.mark.anyio
    async def test_a_file_is_read_once(self, tmp_path: Path) -> None:
        """What its bytes say is remembered by their digest."""
        original = make_original(data := originals.png(50, 60))
        path = tmp_path / original.digest
        path.write_bytes(data)
        details = Details(locate=lambda digest: tmp_path / digest)

        (first,) = await details.of_originals([original])
        path.unlink()
        (second,) = await details.of_originals([original])

        assert first is not None
        assert second is first
        assert msgspec.json.decode(first.json)["ImageSize"] == "50x60"

    @pytest.mark.anyio
    async def test_what_tells_too_much_is_left_out(self, tmp_path: Path) -> None:
        """A list of such pictures would not be one to send."""
        words = ("Title", "Author", "Description", "Copyright", "Source", "Comment")
        original = make_original(data := originals.png(text=dict.fromkeys(words, "x" * 60_000)))
        (tmp_path / original.digest).write_bytes(data)
        details = Details(locate=lambda digest: tmp_path / digest)

        assert await details.of_originals([original]) == [None]


class TestLists:
    def test_pages_follow_one_another(self, pim: Pim) -> None:
        """Oldest first, as Hydra describes collections in parts; the links lead from the first page to the last."""
        library = pim.of_instance("pages")
        ids = [library.create(id=f"asset {number}")["id"] for number in range(5)]

        pages = [library.ask("GET", "/api/assets?limit=2")]
        while "hydra:next" in (view := pages[-1].json()["hydra:view"]):
            pages.append(library.ask("GET", view["hydra:next"]))

        assert [page.status_code for page in pages] == [200] * 3
        assert {page.headers["content-type"] for page in pages} == {LD_JSON}
        assert [asset["id"] for page in pages for asset in page.json()["hydra:member"]] == ids
        assert pages[1].json()["hydra:member"][0] == library.get(ids[2]).json()
        assert list(pages[1].json()) == [
            *("@context", "@id", "@type", "hydra:member", "hydra:totalItems", "hydra:view")
        ]
        assert pages[1].json() | {"hydra:member": []} == {
            "@context": "/api/contexts/Asset",
            "@id": "/api/assets",
            "@type": "hydra:Collection",
            "hydra:member": [],
            "hydra:totalItems": 5,
            "hydra:view": {
                "@id": "/api/assets?page=2&limit=2",
                "@type": "hydra:PartialCollectionView",
                "hydra:first": "/api/assets?page=1&limit=2",
                "hydra:last": "/api/assets?page=3&limit=2",
                "hydra:previous": "/api/assets?page=1&limit=2",
                "hydra:next": "/api/assets?page=3&limit=2",
            },
        }

    def test_an_empty_library_and_a_page_beyond_the_end(self, pim: Pim) -> None:
        """200 and no members."""
        library = pim.of_instance("empty")

        first, beyond = (library.ask("GET", f"/api/assets{query}").json() for query in ("", "?page=7"))

        assert first["hydra:member"] == beyond["hydra:member"] == []
        assert first["hydra:totalItems"] == beyond["hydra:totalItems"] == 0
        assert first["hydra:view"].keys() == {"@id", "@type", "hydra:first", "hydra:last"}
        assert beyond["hydra:view"]["hydra:previous"] == "/api/assets?page=1&limit=30"

    @pytest.mark.parametrize(
        "query",
        [
            *("page=0", "page=-1", "page=1.0", "page=", "page=a", "page=%D9%A3", "page=99999999999", "page=1e3"),
            *("limit=0", "limit=-5", "limit=", "limit=all", "page=1&limit=0"),
        ],
    )
    def test_numbers_that_are_none_are_refused(self, pim: Pim, query: str) -> None:
        """400, by the parameter's name."""
        assert "must be a whole number from 1" in assert_error(pim.ask("GET", f"/api/assets?{query}"), 400)

    def test_the_largest_page(self, pim: Pim) -> None:
        """200 of them, also where more are asked for; more parameters than these two are passed over."""
        for limit in (200, 201, 999_999_999):
            answer = pim.ask("GET", f"/api/assets?limit={limit}&page=999999999&order=asc")

            assert (answer.status_code, answer.json()["hydra:member"]) == (200, [])
            assert answer.json()["hydra:view"]["hydra:first"] == "/api/assets?page=1&limit=200"

    @given(total=st.integers(0, 300), limit=st.integers(1, 50))
    def test_the_neighbours_of_pages_fit_together(self, total: int, limit: int) -> None:
        """From the first page on `next` reaches all, `previous` leads back, and both end where they must."""
        count = max(1, -(-total // limit))
        views = [make_view("/a", Page(number, limit), total) for number in range(1, count + 1)]

        assert {(view.first, view.last) for view in views} == {(views[0].id, views[-1].id)}
        assert [view.next for view in views] == [*(view.id for view in views[1:]), msgspec.UNSET]
        assert [view.previous for view in views] == [msgspec.UNSET, *(view.id for view in views[:-1])]


class TestLinks:
    def test_a_link_can_be_read_and_taken_back(self, pim: Pim) -> None:
        """204, then 404; the asset does not show it any more."""
        asset = pim.create(id="linked shirt")
        link = pim.link("linked shirt", attributes={"a": {"en": "b"}}, sequence=3).json()

        read = pim.ask("GET", link["@id"])
        taken = pim.ask("DELETE", link["@id"])

        assert read.json() == link
        assert link | {"@context": {}} == {
            "@context": {},
            "@type": "Link",
            "@id": f"/api/links/{link['id']}",
            "id": link["id"],
            "origin": {"id": "document"},
            "target": {"id": "linked shirt"},
            "linkType": {"id": "picture"},
            "attributes": {"a": {"en": "b"}},
            "sequence": 3,
        }
        assert (taken.status_code, taken.content) == (204, b"")
        assert_error(pim.ask("GET", link["@id"]), 404)
        assert_error(pim.ask("DELETE", link["@id"]), 404)
        assert pim.get("linked shirt").json() == asset

    def test_links_of_variants_are_apart_from_those_of_documents(self, pim: Pim) -> None:
        """By the link type's name; each list in its sequence."""
        asset = pim.create()["id"]
        for type, sequence in (("Variant_picture", 2), ("variant", 1), ("gallery", 5), ("cover", -1)):
            assert pim.link(asset, linkType={"id": type}, sequence=sequence).status_code == 201

        shape = pim.get(asset).json()

        assert [link["linkType"]["id"] for link in shape["variantLinks"]] == ["variant", "Variant_picture"]
        assert [link["linkType"]["id"] for link in shape["documentLinks"]] == ["cover", "gallery"]
        first = shape["documentLinks"][0]
        assert first == {
            "@type": "Link",
            "@id": f"/api/links/{first['id']}",
            "id": first["id"],
            "linkType": {"id": "cover"},
            "origin": {"id": "document"},
            "sequence": -1,
            "attributes": [],
        }

    def test_a_list_shows_each_assets_own_links(self, pim: Pim) -> None:
        """Of a whole page at once."""
        library = pim.of_instance("links")
        ids = [library.create()["id"] for _ in range(3)]
        for id in ids[1:]:
            library.link(id, origin={"id": f"of {id}"})

        members = library.ask("GET", "/api/assets").json()["hydra:member"]

        origins = [[link["origin"]["id"] for link in member["documentLinks"]] for member in members]
        assert origins == [[], [f"of {ids[1]}"], [f"of {ids[2]}"]]

    def test_the_same_link_again_changes_it(self, pim: Pim) -> None:
        """Same document, asset and type: one link."""
        asset = pim.create()["id"]

        first, second = (pim.link(asset, sequence=number).json() for number in (1, 2))

        assert (first["id"], second["sequence"]) == (second["id"], 2)
        assert len(pim.get(asset).json()["documentLinks"]) == 1

    def test_links_go_with_their_asset(self, pim: Pim) -> None:
        """404 afterwards."""
        asset = pim.create()["id"]
        link = pim.link(asset).json()

        pim.delete(asset)

        assert_error(pim.ask("GET", link["@id"]), 404)

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"target": {"id": "nobody"}}, 404),
            ({"target": None}, 400),
            ({"origin": {"id": ""}}, 400),
            ({"origin": "document"}, 400),
            ({"linkType": {"id": "a" * 256}}, 400),
            ({"attributes": [1]}, 400),
            ({"sequence": "1"}, 400),
            ({"sequence": 2**80}, 400),
        ],
    )
    def test_what_is_no_link_is_refused(self, pim: Pim, fields: dict[str, object], status: int) -> None:
        """Wrong fields 400, an asset that is not there 404."""
        asset = pim.create()["id"]

        assert_error(pim.link(asset, **fields), status)

    @pytest.mark.parametrize("id", ["0", "x", "-1", "1.0", "9" * 18, "9" * 40, "%D9%A3"])
    def test_a_link_that_is_not_there(self, pim: Pim, id: str) -> None:
        """404, whatever the number."""
        assert_error(pim.ask("GET", f"/api/links/{id}"), 404)


class TestWhoMay:
    def test_without_a_token(self, pim: Pim) -> None:
        """401 with the challenge."""
        answer = pim.service.client.get("/api/assets", headers={"Host": HOST})

        assert_error(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_each_token_what_it_permits(self, pim: Pim) -> None:
        """Reading, writing and deleting are three things; 403 for what is not among them."""
        asset = pim.create()["id"]
        link = pim.link(asset).json()["@id"]
        requests = {
            "read": [("GET", "/api/assets", None), ("GET", asset_path(asset), None), ("GET", link, None)],
            "write": [
                ("POST", "/api/assets", {"file": {"id": pim.send(originals.png())}}),
                ("PUT", asset_path(asset), {"active": True}),
                ("POST", "/api/links", {"origin": {"id": "d"}, "target": {"id": asset}, "linkType": {"id": "t"}}),
            ],
            "delete": [("DELETE", link, None), ("DELETE", asset_path(asset), None)],
        }

        for scope in requests:
            client = pim.of_instance(INSTANCE, scope)
            for needed, some in requests.items():
                for method, path, body in some:
                    answer = client.ask(method, path, body)
                    assert (answer.status_code == 403) == (needed != scope), (scope, method, path)
                    if needed != scope:
                        assert_error(answer, 403)
                    else:
                        assert answer.is_success
            sent = client.ask("POST", "/api/files", files={"file": ("a.png", originals.png())})
            assert sent.status_code == (201 if scope == "write" else 403)


class TestFailures:
    @pytest.mark.parametrize("path", ["/api", "/api/nowhere", "/api/assets/a/b", "/api/files/1", "/api/docs.jsonld"])
    def test_paths_that_are_not_there(self, pim: Pim, path: str) -> None:
        """404 in the vendor's shape, too."""
        assert_error(pim.ask("GET", path), 404)

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PATCH", "/api/assets/x", {"GET", "HEAD", "PUT", "DELETE"}),
            ("PUT", "/api/assets", {"GET", "HEAD", "POST"}),
            ("GET", "/api/files", {"POST"}),
            ("GET", "/api/links", {"POST"}),
            ("PUT", "/api/links/1", {"GET", "HEAD", "DELETE"}),
        ],
    )
    def test_methods_that_a_path_does_not_have(self, pim: Pim, method: str, path: str, allowed: set[str]) -> None:
        """405, and which it has (RFC 9110, section 15.5.6)."""
        answer = pim.ask(method, path)

        assert_error(answer, 405)
        assert set(answer.headers["allow"].split(", ")) == allowed

    def test_head_is_get_without_a_body(self, pim: Pim) -> None:
        """RFC 9110, section 9.3.2."""
        asset = pim.create()["id"]

        answer = pim.ask("HEAD", asset_path(asset))

        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == pim.get(asset).headers["content-length"]

    @pytest.mark.anyio
    async def test_a_mistake_of_ours_tells_nothing_of_itself(self) -> None:
        """500 in the same shape; what went wrong is in the log alone."""

        async def fail(request: Request) -> Response:
            raise RuntimeError("a secret")

        app = QUABLE_FAILURES.mount("/quable", [Route("/api/x", fail)])
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://pim.example") as client:
            answer = await client.get("/quable/api/x")

        assert "secret" not in assert_error(answer, 500)


class TestMerging:
    @pytest.mark.parametrize(
        ("old", "new", "merged"),
        [
            ({"fr": "a"}, {"en": "b"}, {"fr": "a", "en": "b"}),
            ({"fr": "a"}, [], {"fr": "a"}),
            ({"fr": "a"}, {}, {"fr": "a"}),
            ({"fr": "a"}, None, None),
            ({"fr": "a"}, "b", "b"),
            ({"fr": "a"}, ["b"], ["b"]),
            ("a", {"fr": "b"}, {"fr": "b"}),
            ("a", [], []),
        ],
    )
    def test_values_meet(self, old: Any, new: Any, merged: Any) -> None:
        """Maps by locale, `[]` being an empty one to PHP; anything else takes the place of what was there."""
        assert merge_attributes({"x": old, "y": 1}, {"x": new}) == {"x": merged, "y": 1}

    @given(st.dictionaries(st.text(max_size=3), st.integers() | st.dictionaries(st.text(max_size=2), st.integers())))
    def test_merging_again_changes_nothing(self, attributes: dict[str, Any]) -> None:
        """A request may be repeated."""
        old: dict[str, Any] = {"": {"": 0, "x": 1}, "a": 1}

        once = merge_attributes(old, attributes)

        assert merge_attributes(once, attributes) == once
        assert once.keys() == old.keys() | attributes.keys()


def assert_like(
    answer: Mapping[str, Any], example: Mapping[str, Any], cannot_be_equal: Mapping[str, str] | None = None
) -> None:
    """Field by field, in the same order; what cannot be equal, and why, is in the tables."""
    # Of an asset the id is the caller's.
    masks = {*CANNOT_BE_EQUAL, *(cannot_be_equal or {})} - ({"id"} if "@id" in example else set[str]())
    ours, theirs = _leaves(answer), _leaves(example)

    def is_masked(path: str) -> bool:
        return any(path == mask or path.startswith(f"{mask}.") for mask in masks)

    assert list(answer) == list(example)
    common = [path for path in theirs if path in ours]
    assert [path for path in ours if path in theirs] == common
    for path in {**ours, **theirs}:
        if not is_masked(path):
            assert path in ours, path
            assert path in theirs, path
            assert (type(ours[path]), ours[path]) == (type(theirs[path]), theirs[path]), path
        elif path in ours and path in theirs and not any(path.startswith(mask) for mask in cannot_be_equal or {}):
            assert type(ours[path]) is type(theirs[path]), path
    for name in ("dateCreated", "dateModified"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", answer[name])


def assert_error(answer: httpx.Response, status: int) -> str:
    """Hydra's shape, stored by nobody. Its sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == LD_JSON
    assert answer.headers["cache-control"] == "no-store"
    error = answer.json()
    assert error.pop("cause", "") == "" or status == 502
    description = error.pop("hydra:description")
    assert error == {
        "@context": "/api/contexts/Error",
        "@type": "hydra:Error",
        "hydra:title": "An error occurred",
    }
    assert description
    return description


def asset_path(id: str) -> str:
    return f"/api/assets/{quote(id, safe='')}"


def _leaves(value: Any, path: Sequence[str] = ()) -> dict[str, Any]:
    """By their path; an empty object or array is a leaf."""
    if not isinstance(value, dict | list) or not value:
        return {".".join(path): value}
    children = value.items() if isinstance(value, dict) else enumerate(value)
    return {name: leaf for key, child in children for name, leaf in _leaves(child, (*path, str(key))).items()}


def _headers(example: Exchange) -> dict[str, str]:
    """Those of the example but for host and token, which are ours."""
    return {name: value for name, value in example.headers.items() if name not in ("Host", "Authorization")}


def _jfif() -> bytes:
    """Version 1.01, 72 dots an inch, no thumbnail (ITU-T T.871, section 10.1)."""
    return struct.pack(">HH5sHBHHBB", 0xFFE0, 16, b"JFIF", 0x0101, 1, 72, 72, 0, 0)


def _icc(profile: bytes) -> bytes:
    """In one segment (ICC.1:2010, annex B.4)."""
    content = b"ICC_PROFILE\0\x01\x01" + profile
    return struct.pack(">HH", 0xFFE2, len(content) + 2) + content


def _screen_profile() -> bytes:
    """With every tag and number of the profile in the vendor's picture, and texts of our own."""
    return profiles.profile(
        {
            b"cprt": profiles.text("Public Domain"),
            b"desc": profiles.description("A screen"),
            b"wtpt": profiles.xyz(0.95045, 1, 1.08905),
            b"bkpt": profiles.xyz(0, 0, 0),
            b"rXYZ": profiles.xyz(0.43607, 0.22249, 0.01392),
            b"gXYZ": profiles.xyz(0.38515, 0.71687, 0.09708),
            b"bXYZ": profiles.xyz(0.14307, 0.06061, 0.7141),
            b"dmnd": profiles.description("Nobody"),
            b"dmdd": profiles.description("A screen"),
            b"vued": profiles.description("A dark room"),
            b"view": profiles.viewing((19.6445, 20.3718, 16.8089), (3.92889, 4.07439, 3.36179), 1),
            b"lumi": profiles.xyz(76.03647, 80, 87.12462),
            b"meas": profiles.measurement(1, (0, 0, 0), 0, 0.00999, 2),
            b"tech": profiles.signature(b"CRT "),
            **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _srgb_curve()),
        }
    )


def _srgb_curve() -> bytes:
    """IEC 61966-2-1 in 1024 points, so that the numbers of the pixels are sRGB's."""
    signals = (number / 1023 for number in range(1024))
    levels = (signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** 2.4 for signal in signals)
    values = b"".join(round(level * 65535).to_bytes(2) for level in levels)
    return b"curv" + bytes(4) + (1024).to_bytes(4) + values
