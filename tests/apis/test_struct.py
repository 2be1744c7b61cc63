"""Struct PIM's Assets API: the vendor's documented exchanges, replayed, and what the vendor's document is silent on."""

import json
import os
import signal
import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, family_of, is_alive, poll, serving

EXAMPLES = Path(__file__).parent / "examples"
MOUNTED_AT = "/struct"

STRUCT_URL = "https://structpim.com"
COPENHAGEN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""Where the vendor is, whose examples have its offsets; in POSIX's words, for which no database of zones is needed."""

GUID = "09fe1ee4-42b1-43a6-bd80-cd2bda21e90a"
"""Of nothing."""

CANNOT_BE_EQUAL: Mapping[str, str] = {
    "struct_read_assets": "the second asset has no ParentId, the first, which lies in the root as well, has -1",
    "struct_list_assets": "as in struct_read_assets; and it is in no order that the document tells: ours is by name",
    "struct_create_folders": "the names that are answered are not those that are asked for, which ours are",
    "struct_list_subfolders": "the children of one folder have two different parents; ours have that folder",
}

_LOGO_IN_ROOT = "UPDATE assets SET name = 'struct logo.png', folder = NULL WHERE serial = 321102"
_PRICELISTS_IN_45 = "UPDATE folders SET parent = 45 WHERE serial = 3288"
BEFORE: Mapping[str, str] = {
    "struct_read_assets": _LOGO_IN_ROOT,
    "struct_list_assets": _LOGO_IN_ROOT,
    "struct_list_subfolders": _PRICELISTS_IN_45,
}
"""The examples show one library in several states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`answer` None: an empty body. `upload`: the request is a file in the part `uploadedFile`."""

    method: str
    path: str
    upload: bool
    request: Any
    status: int
    answer: Any

    @classmethod
    def read(cls, name: str) -> "Exchange":
        """The request's head, an empty line, its body where it has one; then the answer's, in the same way."""
        request, answer = (EXAMPLES / f"{name}.http").read_text().split("\nHTTP ")
        request_head, _, request_body = request.partition("\n\n")
        answer_head, _, answer_body = answer.partition("\n\n")
        method, path = request_head.splitlines()[0].split()
        return cls(
            method=method,
            path=path.replace("{root}", "root"),
            upload="multipart/form-data" in request_head,
            request=json.loads(request_body) if request_body.strip() else None,
            status=int(answer_head.splitlines()[0]),
            answer=json.loads(answer_body) if answer_body.strip() else None,
        )


@dataclass(frozen=True, kw_only=True)
class Api:
    """The API of a service, with one token."""

    service: Service
    token: str = TOKEN

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """`body` as JSON, where there is one."""
        return self.service.client.request(
            method,
            MOUNTED_AT + path,
            content=None if body is None else json.dumps(body),
            headers={"Authorization": self.token},
        )

    def get(self, path: str) -> Any:
        """What a successful answer holds."""
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def done(self, method: str, path: str, body: Any = None) -> None:
        """What succeeds with an empty body."""
        assert_done(self.send(method, path, body))

    def upload(self, path: str, data: bytes, name: str, *, method: str = "POST") -> httpx.Response:
        return self.service.client.request(
            method,
            MOUNTED_AT + path,
            files={"uploadedFile": (name, data)},
            headers={"Authorization": self.token},
        )

    def add(self, data: bytes | None = None, name: str = "picture.png", *, folder: str | None = None) -> dict[str, Any]:
        query = "" if folder is None else f"?folderId={folder}"
        answer = self.upload(f"/assets{query}", originals.png() if data is None else data, name)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def folder(self, *, parent: str | None = None) -> str:
        """The id of a new one."""
        name = uuid4().hex
        answer = self.send("POST", "/assets/folders", [{"ParentId": parent, "Name": name}])
        assert answer.status_code == 200, answer.text
        return answer.json()[name]


@pytest.fixture
def api(service: Service) -> Api:
    return Api(service=service)


@pytest.fixture(scope="module")
def struct_pim(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """A service where the vendor's is: at its address, in its time zone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", COPENHAGEN)
        with serving(tmp_path_factory.mktemp("pim") / "data", workers=1, public_url=STRUCT_URL) as service:
            yield service


@pytest.fixture
def documented(struct_pim: Service) -> Service:
    """With the library that the vendor's examples are of, as they found it."""
    write_documented_library(struct_pim.data)
    return struct_pim


@pytest.fixture(scope="module")
def many(shared_service: Service) -> Api:
    """Ten thousand assets in one folder, of an instance of their own."""
    with connected(shared_service.data) as catalog:
        insert(catalog, "folders", serial=700_000, instance="many", name="Many")
        insert_assets(
            catalog,
            ({"serial": 700_001 + n, "name": name_of(n), "folder": 700_000, "instance": "many"} for n in range(10_000)),
        )
    return Api(service=shared_service, token=make_token(shared_service, "many", "read", "write"))


class TestTheDocumentedExchanges:
    @pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("struct_*.http")))
    def test_it_is_answered_as_documented(self, documented: Service, name: str) -> None:
        """The documented request word for word; status and body are the documented ones, field by field."""
        example = Exchange.read(name)
        token = make_token(documented, "numbers", "read") if name == "struct_list_ids" else TOKEN
        api = Api(service=documented, token=token)
        with connected(documented.data) as catalog:
            catalog.execute(BEFORE.get(name, "SELECT 1"))

        if example.upload:
            answer = api.upload(example.path, originals.png(), "struct-logo.png", method=example.method)
        else:
            answer = api.send(example.method, example.path, example.request)

        assert answer.status_code == example.status == 200, answer.text
        if name == "struct_create_asset":
            assert set(answer.json()) == set(Exchange.read("struct_read_asset").answer)
        elif example.answer is None:
            assert_done(answer)
        elif name in CANNOT_BE_EQUAL:
            assert_equal_but_for_what_cannot_be(name, answer.json(), example)
        else:
            assert answer.json() == example.answer

    def test_a_batch_of_assets_has_new_names_and_folders(self, documented: Service) -> None:
        """The first example of the document; each keeps its extension."""
        example = Exchange.read("struct_update_assets")
        api = Api(service=documented)

        api.done(example.method, example.path, example.request)

        shapes = {name: api.get(f"/assets/{name}") for name in example.request}
        assert {name: (shape["ParentId"], shape["Name"], shape["Extension"]) for name, shape in shapes.items()} == {
            "321102": ("46", "New asset filename", "png"),
            "321223": ("4", "Updated filename", "pdf"),
        }

    def test_an_asset_has_a_new_name_and_folder(self, documented: Service) -> None:
        """Its Url has the new name, and what it was created with stays."""
        example = Exchange.read("struct_update_asset")
        api = Api(service=documented)
        before = api.get(example.path)

        api.done(example.method, example.path, example.request)

        assert api.get(example.path) == before | {
            "Name": "New asset filename",
            "Url": f"{STRUCT_URL}/media/wuqj0ouk/new-asset-filename.png",
            "ParentId": "46",
            "LastModified": api.get(example.path)["LastModified"],
        }

    def test_folders_have_new_names_and_parents(self, documented: Service) -> None:
        """`4` is given no parent and stays where it is."""
        example = Exchange.read("struct_update_folders")
        api = Api(service=documented)

        api.done(example.method, example.path, example.request)

        answer = api.send("POST", "/assets/folders/batch", ["46", "4"])
        assert answer.json() == [
            {"Id": "46", "ParentId": "2", "Name": "New folder name"},
            {"Id": "4", "ParentId": "2", "Name": "Root folder"},
        ]

    def test_new_folders_are_where_they_were_asked_for(self, documented: Service) -> None:
        """One without a parent is "at root level", and its ParentId is null."""
        example = Exchange.read("struct_create_folders")
        api = Api(service=documented)

        ids = api.send(example.method, example.path, example.request).json()

        brand, root = ids["Brand logos"], ids["Root folder"]
        assert api.get(f"/assets/folders/{brand}") == {"Id": brand, "ParentId": "46", "Name": "Brand logos"}
        assert api.get(f"/assets/folders/{root}") == {"Id": root, "ParentId": None, "Name": "Root folder"}

    def test_what_is_deleted_is_gone(self, documented: Service) -> None:
        """Assets and folders, one and several; the folders first hold assets and may not go."""
        api = Api(service=documented)

        api.done("DELETE", "/assets/321102")
        api.done("DELETE", "/assets", ["321223"])
        api.done("DELETE", "/assets/folders/3211")
        api.done("DELETE", "/assets/folders", ["3288", "10"])

        for path in ("321102", "321223", "folders/3211", "folders/3288", "folders/10"):
            assert_problem(api.send("GET", f"/assets/{path}"), 404)


class TestWhatAnAssetIs:
    def test_a_picture(self, api: Api) -> None:
        """All documented fields that have a value; what the bytes are decides over what the name says."""
        folder = api.folder()

        shape = api.add(originals.jpeg(), "Red Shirt.PNG", folder=folder)

        assert set(shape) == {
            "Id", "Name", "Url", "Extension", "FileType", "Created", "LastModified", "ParentId",
        }  # fmt: skip
        assert (shape["Name"], shape["Extension"], shape["FileType"]) == ("Red Shirt", "jpg", "Image")
        assert shape["ParentId"] == folder
        assert shape["Url"].startswith(f"{api.service.url}/media/")
        assert shape["Url"].endswith("/red-shirt.jpg")
        assert httpx.get(shape["Url"], trust_env=False).headers["content-type"] == "image/jpeg"
        assert shape == api.get(f"/assets/{shape['Id']}")

    def test_a_file(self, api: Api) -> None:
        """What is not decoded is taken too, and comes back byte for byte."""
        shape = api.add(originals.pdf(), "Price list.pdf")

        answer = httpx.get(shape["Url"], trust_env=False)

        assert (shape["Name"], shape["Extension"], shape["FileType"]) == ("Price list", "pdf", "File")
        assert answer.content == originals.pdf()
        assert answer.headers["content-type"] == "application/pdf"

    def test_times_are_of_the_machines_zone(self, struct_pim: Service) -> None:
        """To the second, with the offset of the day: `2020-10-12T12:43:27+02:00`."""
        shape = Api(service=struct_pim).add()

        for field in ("Created", "LastModified"):
            moment = datetime.fromisoformat(shape[field])
            assert shape[field] == moment.isoformat(timespec="seconds")
            assert moment.strftime("%z") in ("+0100", "+0200")

    def test_type_and_properties_are_shown_where_there_are_any(self, api: Api) -> None:
        """Type is the first classification, Properties are the attributes; other faces set them."""
        shape = api.add()
        with connected(api.service.data) as catalog:
            catalog.execute(
                "UPDATE assets SET attributes = ?, classifications = ? WHERE serial = ?",
                ('{"alt":{"en":"A shirt"},"year":2024}', '["packshot","hidden"]', int(shape["Id"])),
            )

        after = api.get(f"/assets/{shape['Id']}")

        assert after == shape | {"Type": "packshot", "Properties": {"alt": {"en": "A shirt"}, "year": 2024}}

    @pytest.mark.parametrize(
        ("data", "name", "status"),
        [(b"", "a.png", 415), (b"hello", "a.png", 415), (originals.truncated(originals.png(800, 600)), "a.png", 422)],
        ids=["empty", "text", "half"],
    )
    def test_what_says_it_is_a_picture_and_is_none_is_refused(
        self, api: Api, data: bytes, name: str, status: int
    ) -> None:
        """Where somebody can mend it, and nothing is added."""
        before = len(api.get("/assets/ids"))

        assert_problem(api.upload("/assets", data, name), status)

        assert len(api.get("/assets/ids")) == before

    def test_a_file_in_another_part_is_refused(self, api: Api) -> None:
        """The vendor calls it `uploadedFile`, and so does the answer."""
        answer = api.service.client.post(
            "/struct/assets", files={"file": ("a.png", originals.png())}, headers={"Authorization": TOKEN}
        )

        assert "uploadedFile" in assert_problem(answer, 400)["detail"]


class TestHowAnAssetIsNamed:
    def test_the_ids_of_three_faces_are_one_asset(self, api: Api) -> None:
        """Serial, GUID and slug, in paths and in bodies; the GUID in any case."""
        shape = api.add()
        guid, slug = other_ids(api.service, shape["Id"])
        names = [shape["Id"], guid, guid.upper(), slug]

        assert [api.get(f"/assets/{name}") for name in names] == [shape] * 4
        assert api.send("POST", "/assets/batch", names).json() == [shape] * 4
        assert api.service.get(f"/iqmetrix/assets/{guid}").json()["name"] == "picture.png"
        api.done("PUT", "/assets", {guid: {"Filename": "new"}, slug: {"FolderId": api.folder()}})
        assert api.get(f"/assets/{shape['Id']}")["Name"] == "new"
        assert api.get(f"/assets/{shape['Id']}")["ParentId"] != "-1"
        api.done("DELETE", f"/assets/{slug}")
        assert_problem(api.send("GET", f"/assets/{guid}"), 404)

    def test_what_another_face_took_in_is_there(self, api: Api) -> None:
        """One library under every face."""
        guid = api.service.add(originals.png(), "from iqmetrix.png")

        shape = api.get(f"/assets/{guid}")

        assert (shape["Name"], shape["ParentId"]) == ("from iqmetrix", "-1")
        assert api.get(f"/assets/{shape['Id']}") == shape

    @pytest.mark.parametrize("text", ["999999999", "9" * 19, "9" * 30, "0", "nonsense", "-1", "root", GUID, "%20", "①"])
    def test_an_id_that_nobody_has(self, api: Api, text: str) -> None:
        """404 for each of its operations, whether it could be an id or not."""
        assert_problem(api.send("GET", f"/assets/{text}"), 404)
        assert_problem(api.send("PUT", f"/assets/{text}", {"Filename": "x"}), 404)
        assert_problem(api.send("DELETE", f"/assets/{text}"), 404)
        assert_problem(api.send("GET", f"/assets/{text}/references"), 404)
        assert_problem(api.upload(f"/assets/{text}/data", originals.png(), "a.png", method="PUT"), 404)

    @pytest.mark.parametrize("text", ["999999999", "9" * 19, "9" * 30, "nonsense", "-1", "root", GUID])
    def test_a_folder_that_nobody_has(self, api: Api, text: str) -> None:
        """404. The root can be listed; it is no folder that could be read, changed or deleted."""
        assert_problem(api.send("GET", f"/assets/folders/{text}"), 404)
        assert_problem(api.send("PUT", f"/assets/folders/{text}", {"Name": "x"}), 404)
        assert_problem(api.send("DELETE", f"/assets/folders/{text}"), 404)
        if text not in ("-1", "root"):
            assert_problem(api.send("GET", f"/assets/folders/{text}/assets"), 404)
            assert_problem(api.send("GET", f"/assets/folders/{text}/assets/a"), 404)
            assert_problem(api.send("GET", f"/assets/folders/{text}/subfolders"), 404)
            assert_problem(api.upload(f"/assets?folderId={text}", originals.png(), "a.png"), 404)
            assert_problem(api.send("POST", "/assets/folders", [{"Name": "x", "ParentId": text}]), 404)

    def test_a_batch_leaves_out_what_is_not_there_and_keeps_the_order(self, api: Api) -> None:
        """Also above the size of a page."""
        first, second, folder = api.add(), api.add(), api.folder()
        unknown = [str(10**9 + n) for n in range(1200)]

        ids = [second["Id"], *unknown, "nonsense", first["Id"]]
        found = api.send("POST", "/assets/batch", ids).json()
        folders = api.send("POST", "/assets/folders/batch", [*unknown, "root", folder]).json()

        assert found == [second, first]
        assert [shape["Id"] for shape in folders] == [folder]
        assert api.send("POST", "/assets/batch", []).json() == []
        assert api.send("POST", "/assets/folders/batch", ["x"]).json() == []


class TestPartialUpdates:
    @pytest.mark.parametrize("update", [{}, {"Filename": None}, {"Unknown": 1}])
    def test_what_is_missing_stays(self, api: Api, update: Mapping[str, Any]) -> None:
        """Name and folder; a name that is null, too."""
        shape = api.add(folder=api.folder())

        api.done("PUT", f"/assets/{shape['Id']}", update)

        assert without_times(api.get(f"/assets/{shape['Id']}")) == without_times(shape)

    def test_null_leaves_what_is_there(self, api: Api) -> None:
        """Clients with typed models send it for what they were not given."""
        parent = api.folder()
        shape, folder = api.add(folder=parent), api.folder(parent=parent)

        api.done("PUT", f"/assets/{shape['Id']}", {"FolderId": None, "Filename": "renamed"})
        api.done("PUT", f"/assets/folders/{folder}", {"ParentId": None, "Name": "renamed"})

        assert api.get(f"/assets/{shape['Id']}")["ParentId"] == parent
        assert api.get(f"/assets/folders/{folder}") == {"Id": folder, "ParentId": parent, "Name": "renamed"}

    def test_names_of_fields_are_in_any_case_and_ids_text_or_numbers(self, api: Api) -> None:
        """As a service of ASP.NET takes them."""
        parent = api.folder()
        shape, folder = api.add(), api.folder()

        api.done("PUT", "/assets", {shape["Id"]: {"folderId": int(parent), "FILENAME": "camel"}})
        api.done("PUT", f"/assets/folders/{folder}", {"parentid": parent, "name": "camel"})

        (found,) = api.send("POST", "/assets/batch", [int(shape["Id"])]).json()
        assert (found["Name"], found["ParentId"]) == ("camel", parent)
        assert api.get(f"/assets/folders/{folder}") == {"Id": folder, "ParentId": parent, "Name": "camel"}

    @pytest.mark.parametrize("root", ["-1", "root"])
    def test_the_words_for_it_are_the_root(self, api: Api, root: str) -> None:
        """`-1` is how an asset's ParentId says root, `root` how a path does."""
        shape, folder = api.add(folder=api.folder()), api.folder(parent=api.folder())

        api.done("PUT", f"/assets/{shape['Id']}", {"FolderId": root})
        api.done("PUT", f"/assets/folders/{folder}", {"ParentId": root})

        assert without_times(api.get(f"/assets/{shape['Id']}")) == without_times(shape) | {"ParentId": "-1"}
        assert api.get(f"/assets/folders/{folder}")["ParentId"] is None

    def test_a_folder_keeps_what_is_not_said(self, api: Api) -> None:
        """Its parent where it is renamed, its name where it is moved."""
        parent, other = api.folder(), api.folder()
        folder = api.folder(parent=parent)

        api.done("PUT", f"/assets/folders/{folder}", {"Name": "New"})
        renamed = api.get(f"/assets/folders/{folder}")
        api.done("PUT", f"/assets/folders/{folder}", {"ParentId": other, "Name": None})
        moved = api.get(f"/assets/folders/{folder}")

        assert renamed == {"Id": folder, "ParentId": parent, "Name": "New"}
        assert moved == {"Id": folder, "ParentId": other, "Name": "New"}

    def test_a_batch_is_changed_whole_or_not_at_all(self, api: Api) -> None:
        """One unknown asset, folder or bad name, and nothing is changed; so it is with deleting."""
        shape, folder = api.add(), api.folder()
        path, change = f"/assets/{shape['Id']}", {"Filename": "changed", "FolderId": folder}

        for other, status in (
            ({"999999999": {"Filename": "x"}}, 404),
            ({api.add()["Id"]: {"FolderId": "999999999"}}, 404),
            ({api.add()["Id"]: {"Filename": " "}}, 400),
            ({f"0{shape['Id']}": {"Filename": "x"}}, 400),
        ):
            assert_problem(api.send("PUT", "/assets", {shape["Id"]: change, **other}), status)
        assert_problem(api.send("DELETE", "/assets", [shape["Id"], "999999999"]), 404)
        assert_problem(api.send("PUT", "/assets/folders", {folder: {"Name": "x"}, "999999999": {}}), 404)
        assert_problem(api.send("DELETE", "/assets/folders", [folder, "999999999"]), 404)

        assert api.get(path) == shape
        assert api.get(f"/assets/folders/{folder}")["Name"] != "x"

    def test_an_asset_named_twice_is_deleted_once(self, api: Api) -> None:
        """By the same id or by two."""
        shape = api.add()

        api.done("DELETE", "/assets", [shape["Id"], shape["Id"], other_ids(api.service, shape["Id"])[0]])

        assert_problem(api.send("GET", f"/assets/{shape['Id']}"), 404)


class TestNames:
    @pytest.mark.parametrize(
        ("given", "name", "file_name"),
        [
            ("x", "x", "x.png"),
            ("x.png", "x", "x.png"),
            ("x.PNG", "x", "x.PNG"),
            ("v1.2", "v1.2", "v1.2.png"),
            ("x.jpg", "x.jpg", "x.jpg.png"),
            ("New asset filename", "New asset filename", "New asset filename.png"),
            ('Hemd "grün"; 100%', 'Hemd "grün"; 100%', 'Hemd "grün"; 100%.png'),
            ("👕 衬衫", "👕 衬衫", "👕 衬衫.png"),
            ("../../etc/passwd", "passwd", "passwd.png"),
            ("C:\\me\\shirt", "shirt", "shirt.png"),
            ("two\nlines", "twolines", "twolines.png"),
            ("a" * 300, "a" * 251, "a" * 251 + ".png"),
        ],
    )
    def test_a_new_name_keeps_the_extension(self, api: Api, given: str, name: str, file_name: str) -> None:
        """It is never doubled and never lost; the asset is found under both spellings in its folder."""
        folder = api.folder()
        path = f"/assets/{api.add(folder=folder)['Id']}"

        api.done("PUT", path, {"Filename": given})

        shape = api.get(path)
        assert (shape["Name"], shape["Extension"]) == (name, "png")
        assert kept_name(api.service, shape["Id"]) == file_name
        for spelled in {name, f"{name}.png", file_name}:
            assert api.get(f"/assets/folders/{folder}/assets/{quote(spelled, safe='')}") == shape
        assert httpx.get(shape["Url"], trust_env=False).status_code == 200

    @pytest.mark.parametrize("given", ["", " ", "\t\n", ".", "..", "a/", "a\\ ", "\0"])
    def test_a_name_that_is_none_is_refused(self, api: Api, given: str) -> None:
        """400, naming the field."""
        shape = api.add()

        answer = api.send("PUT", f"/assets/{shape['Id']}", {"Filename": given})

        assert assert_problem(answer, 400)["parameter"] == "Filename"
        assert api.get(f"/assets/{shape['Id']}") == shape

    def test_an_asset_is_found_by_the_name_and_extension_that_are_answered(self, api: Api) -> None:
        """Also where the file's own name has another spelling of it."""
        folder = api.folder()
        shape = api.add(originals.jpeg(), "Logo.JPEG", folder=folder)

        for spelled in ("Logo", "Logo.jpg", "Logo.JPEG"):
            assert api.get(f"/assets/folders/{folder}/assets/{spelled}") == shape
        for spelled in ("logo", "Logo.png", "Log", "Logo.JPEG.jpg", "L%25go"):
            assert_problem(api.send("GET", f"/assets/folders/{folder}/assets/{spelled}"), 404)

    def test_the_whole_name_goes_before_the_name_alone(self, api: Api) -> None:
        """A file that is called what another is called without its extension."""
        folder = api.folder()
        api.add(originals.pdf(), "list.v2.pdf", folder=folder)
        whole = api.add(originals.pdf(), "list.v2", folder=folder)

        assert api.get(f"/assets/folders/{folder}/assets/list.v2") == whole

    @pytest.mark.parametrize("name", ['Bilder "neu" / alt', "👕 衬衫", "a" * 255, " "])
    def test_a_folder_is_called_what_people_like(self, api: Api, name: str) -> None:
        """Slashes and quotes are no structure; blank it may not be."""
        answer = api.send("POST", "/assets/folders", [{"Name": name, "ParentId": api.folder()}])

        if not name.strip():
            assert_problem(answer, 400)
        else:
            assert api.get(f"/assets/folders/{answer.json()[name]}")["Name"] == name

    @pytest.mark.parametrize("name", ["", "a" * 256, "two\nlines"])
    def test_a_folders_name_that_is_none_is_refused(self, api: Api, name: str) -> None:
        """400 for new folders and for old ones."""
        assert_problem(api.send("POST", "/assets/folders", [{"Name": name}]), 400)
        assert_problem(api.send("PUT", f"/assets/folders/{api.folder()}", {"Name": name}), 400)


class TestFolders:
    def test_a_folder_cannot_lie_in_itself(self, api: Api) -> None:
        """Neither at once nor by a detour, and not in a batch that would only be wrong as a whole."""
        top = api.folder()
        middle = api.folder(parent=top)
        bottom = api.folder(parent=middle)

        assert_problem(api.send("PUT", f"/assets/folders/{top}", {"ParentId": top}), 409)
        assert_problem(api.send("PUT", f"/assets/folders/{top}", {"ParentId": bottom}), 409)
        assert_problem(api.send("PUT", "/assets/folders", {top: {"ParentId": bottom}, bottom: {"Name": "x"}}), 409)

        parents = [api.get(f"/assets/folders/{folder}")["ParentId"] for folder in (top, middle, bottom)]
        assert parents == [None, top, middle]

    def test_folders_may_change_places_in_one_batch(self, api: Api) -> None:
        """What counts is how it is afterwards."""
        top = api.folder()
        bottom = api.folder(parent=top)

        api.done("PUT", "/assets/folders", {top: {"ParentId": bottom}, bottom: {"ParentId": "root"}})

        assert api.get(f"/assets/folders/{top}")["ParentId"] == bottom

    def test_a_name_is_taken_once_in_a_folder(self, api: Api) -> None:
        """409 for making, renaming and moving; elsewhere it is free."""
        parent, other = api.folder(), api.folder()
        api.send("POST", "/assets/folders", [{"Name": "same", "ParentId": parent}])
        elsewhere = api.send("POST", "/assets/folders", [{"Name": "same", "ParentId": other}]).json()["same"]

        assert_problem(api.send("POST", "/assets/folders", [{"Name": "same", "ParentId": parent}]), 409)
        assert_problem(api.send("PUT", f"/assets/folders/{elsewhere}", {"ParentId": parent}), 409)
        assert_problem(api.send("PUT", f"/assets/folders/{api.folder(parent=parent)}", {"Name": "same"}), 409)

    def test_two_new_folders_of_one_request_cannot_have_the_same_name(self, api: Api) -> None:
        """The answer is a dictionary by name. Neither is made."""
        parent, other = api.folder(), api.folder()

        answer = api.send(
            "POST", "/assets/folders", [{"Name": "same", "ParentId": parent}, {"Name": "same", "ParentId": other}]
        )

        assert_problem(answer, 409)
        assert api.get(f"/assets/folders/{parent}/subfolders") == []
        assert api.get(f"/assets/folders/{other}/subfolders") == []

    def test_a_folder_that_holds_something_is_not_deleted(self, api: Api) -> None:
        """An asset or a folder; 409 for one and for several, and it goes once it is empty."""
        parent = api.folder()
        child = api.folder(parent=parent)
        shape = api.add(folder=child)

        assert_problem(api.send("DELETE", f"/assets/folders/{parent}"), 409)
        assert_problem(api.send("DELETE", f"/assets/folders/{child}"), 409)
        assert_problem(api.send("DELETE", "/assets/folders", [parent, child]), 409)
        api.done("DELETE", f"/assets/{shape['Id']}")
        api.done("DELETE", "/assets/folders", [parent, child])

        assert_problem(api.send("GET", f"/assets/folders/{child}"), 404)

    def test_the_root_is_listed_under_both_its_names(self, api: Api) -> None:
        """`root`, as the document says, and `-1`, as an asset's ParentId says."""
        folder, shape = api.folder(), api.add()

        for root in ("root", "-1"):
            assert folder in [child["Id"] for child in api.get(f"/assets/folders/{root}/subfolders")]
            assert shape in api.get(f"/assets/folders/{root}/assets")
        assert shape["ParentId"] == "-1"
        assert api.add(folder="root")["ParentId"] == api.add(folder="-1")["ParentId"] == "-1"

    @pytest.mark.parametrize("word", ["folderId", "FolderId", "folderid"])
    def test_the_folder_of_an_upload_is_read_in_any_case(self, api: Api, word: str) -> None:
        """A file that silently went elsewhere would be lost to who sent it."""
        folder = api.folder()

        answer = api.upload(f"/assets?{word}={folder}", originals.png(), "a.png")

        assert answer.json()["ParentId"] == folder


class TestReferences:
    def test_each_link_is_in_the_list_of_its_type(self, api: Api) -> None:
        """By what its type begins with, in any spelling; what does not fit its list is left out."""
        guid, shape = str(uuid4()), api.add()
        links = [
            ("product", "7"), ("Products", "3"), ("product_images", "12"), ("product", "SKU-1"), ("PRODUCT", guid),
            ("variant", "5"), ("variant-group", "6"), ("VariantGroup", "4"), ("category", "9"),
            ("Global list value", guid.upper()), ("global_list_value", "8"),
            ("other", "70"), ("other", guid), ("other", "SKU-1"), ("product", "9" * 200),
        ]  # fmt: skip
        with connected(api.service.data) as catalog:
            for sequence, (link_type, origin) in enumerate(links):
                insert_link(catalog, int(shape["Id"]), origin, link_type, sequence)

        references = api.get(f"/assets/{shape['Id']}/references")

        assert references == {
            "GlobalListValueReferences": [guid, guid],
            "VariantReferences": [5],
            "VariantGroupReferences": [6, 4],
            "ProductReferences": [7, 3, 12, 70],
            "CategoryReferences": [9],
        }

    def test_they_go_with_their_asset(self, api: Api) -> None:
        """What has no links has five empty lists; what is deleted has none."""
        shape = api.add()
        path = f"/assets/{shape['Id']}/references"

        empty = api.get(path)
        with connected(api.service.data) as catalog:
            insert_link(catalog, int(shape["Id"]), "1", "product", 0)
        api.done("DELETE", f"/assets/{shape['Id']}")

        assert list(empty.values()) == [[]] * 5
        assert_problem(api.send("GET", path), 404)


class TestReplacedData:
    def test_it_is_visible_at_once_at_every_url(self, api: Api) -> None:
        """In every process, the URLs that were answered before included; ids, slug and name stay."""
        shape = api.add(originals.png(400, 300), "shirt.png")
        guid, slug = other_ids(api.service, shape["Id"])
        canonical = api.service.canonical_path(guid, "width=90")
        paths = [
            f"/media/{slug}/shirt.png",
            f"/media/{slug}/shirt.png?width=100",
            f"/media/{slug}/anything.png?format=jpg&v=1",
            f"/images/{guid}.png",
            f"/images/{guid}.png?height=50",
        ]

        with api.service.connections_to_every_process() as connections:
            for path in [*paths, canonical]:
                before = {body_of(connection, path) for (connection, *_) in connections.values()}
                assert len(before) == 1
            new = originals.png(500, 200)
            answer = api.upload(f"/assets/{shape['Id']}/data", new, "other name.png", method="PUT")
            sizes = {
                path: {size_of(body_of(connection, path)) for (connection, *_) in connections.values()}
                for path in paths
            }

        assert_done(answer)
        assert sizes == dict(
            zip(paths, [{(500, 200)}, {(100, 40)}, {(500, 200)}, {(500, 200)}, {(125, 50)}], strict=True)
        )
        assert api.service.get(canonical).status_code == 303
        after = api.get(f"/assets/{shape['Id']}")
        assert without_times(after) == without_times(shape)
        assert after["Created"] == shape["Created"]
        assert other_ids(api.service, shape["Id"]) == (guid, slug)

    def test_another_kind_changes_the_extension_alone(self, api: Api) -> None:
        """A picture for a picture of another format, a file for a picture; the old Url still leads there."""
        shape = api.add(originals.png(), "shirt.png")
        path = f"/assets/{shape['Id']}"

        assert_done(api.upload(f"{path}/data", originals.jpeg(), "other.jpg", method="PUT"))
        as_jpeg = api.get(path)
        assert_done(api.upload(f"{path}/data", originals.pdf(), "other.pdf", method="PUT"))
        as_file = api.get(path)

        assert (as_jpeg["Name"], as_jpeg["Extension"], as_jpeg["FileType"]) == ("shirt", "jpg", "Image")
        assert (as_file["Name"], as_file["Extension"], as_file["FileType"]) == ("shirt", "pdf", "File")
        assert httpx.get(shape["Url"], trust_env=False).content == originals.pdf()

    def test_what_is_no_picture_does_not_replace_one(self, api: Api) -> None:
        """415 and 422, and the old one is still shown."""
        shape = api.add()
        path = f"/assets/{shape['Id']}/data"

        assert_problem(api.upload(path, b"hello", "a.png", method="PUT"), 415)
        assert_problem(api.upload(path, originals.truncated(originals.png(800, 600)), "a.png", method="PUT"), 422)

        assert api.get(f"/assets/{shape['Id']}") == shape
        assert httpx.get(shape["Url"], trust_env=False).content == originals.png()

    def test_what_is_deleted_is_gone_from_every_url(self, api: Api) -> None:
        """At once, and its bytes with it where nobody else shows them."""
        data = originals.png(317, 211)
        shape = api.add(data)
        paths = [urlsplit(shape["Url"]).path, urlsplit(shape["Url"]).path + "?width=50"]
        before = [api.service.get(path).status_code for path in paths]

        api.done("DELETE", f"/assets/{shape['Id']}")

        assert before == [200, 200]
        assert [api.service.get(path).status_code for path in paths] == [404, 404]
        assert not any(file.read_bytes() == data for file in (api.service.data / "originals").glob("??/??/*"))


class TestManyAssets:
    def test_a_folder_is_listed_whole(self, many: Api) -> None:
        """Ten thousand, by name, each once; streamed, so of no announced length."""
        answer = many.send("GET", "/assets/folders/700000/assets")

        shapes = answer.json()
        by_name = sorted((name_of(n), 700_001 + n) for n in range(10_000))
        assert [shape["Id"] for shape in shapes] == [str(serial) for _, serial in by_name]
        assert "content-length" not in answer.headers

    def test_all_ids_are_listed(self, many: Api) -> None:
        """Oldest first, as text."""
        assert many.get("/assets/ids") == [str(700_001 + n) for n in range(10_000)]

    def test_a_batch_may_ask_for_all(self, many: Api) -> None:
        """In the order asked."""
        ids = [str(700_001 + n) for n in reversed(range(10_000))]

        shapes = many.send("POST", "/assets/batch", ids).json()

        assert [shape["Id"] for shape in shapes] == ids

    def test_a_batch_of_updates_is_one_change(self, many: Api) -> None:
        """A thousand at once, all of them of the same moment."""
        ids = [str(700_001 + n) for n in range(1000)]

        many.done("PUT", "/assets", {asset_id: {"FolderId": "700000"} for asset_id in ids})

        shapes = many.send("POST", "/assets/batch", ids).json()
        (modified,) = {shape["LastModified"] for shape in shapes}
        assert not modified.startswith("2024")


class TestBodies:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PUT", "/assets", []),
            ("PUT", "/assets", {"1": "name"}),
            ("PUT", "/assets", {"1": {"FolderId": 4.6}}),
            ("PUT", "/assets/1", {"FolderId": True}),
            ("PUT", "/assets/1", {"Filename": 1}),
            ("PUT", "/assets/1", "name"),
            ("DELETE", "/assets", {"ids": ["1"]}),
            ("DELETE", "/assets", [1.5]),
            ("DELETE", "/assets", "1"),
            ("POST", "/assets/batch", [[1]]),
            ("POST", "/assets/batch", None),
            ("PUT", "/assets/folders", [{"Name": "x"}]),
            ("PUT", "/assets/folders/1", {"ParentId": ["1"]}),
            ("PUT", "/assets/folders/1", {"Name": ["x"]}),
            ("POST", "/assets/folders", {"Name": "x"}),
            ("POST", "/assets/folders", [{"ParentId": None}]),
            ("POST", "/assets/folders", [{"Name": None}]),
            ("DELETE", "/assets/folders", [["1"]]),
            ("POST", "/assets/folders/batch", "1"),
        ],
    )
    def test_what_is_of_another_type_is_refused(self, api: Api, method: str, path: str, body: Any) -> None:
        """400, before anything is looked up."""
        assert_problem(api.send(method, path, body), 400)

    @pytest.mark.parametrize("body", [b"", b"[", b'["1"', b"\xff", b"[" * 100_000, b'["\\ud800"]', b"[NaN]"])
    def test_what_is_no_json_is_refused(self, api: Api, body: bytes) -> None:
        """400, however deep or broken."""
        answer = api.service.client.post("/struct/assets/batch", content=body, headers={"Authorization": TOKEN})

        assert_problem(answer, 400)

    @pytest.mark.parametrize(("method", "path"), [("POST", "/assets/batch"), ("DELETE", "/assets")])
    def test_what_is_huge_is_refused(self, api: Api, method: str, path: str) -> None:
        """413 for a body that is never held whole."""
        body = b'["' + b"1" * (17 * 1024 * 1024) + b'"]'

        answer = api.service.client.request(method, MOUNTED_AT + path, content=body, headers={"Authorization": TOKEN})

        assert_problem(answer, 413)

    def test_a_path_or_method_that_is_not_there(self, api: Api) -> None:
        """In the API's own words, as every failure."""
        assert_problem(api.send("GET", "/assets/1/nothing"), 404, detail=False)
        assert_problem(api.send("POST", "/assets/1"), 405, detail=False)


SCOPES: Sequence[tuple[str, str, str]] = (
    ("read", "GET", "/assets/ids"),
    ("read", "GET", "/assets/1"),
    ("read", "GET", "/assets/1/references"),
    ("read", "POST", "/assets/batch"),
    ("read", "GET", "/assets/folders/1"),
    ("read", "GET", "/assets/folders/-1/assets"),
    ("read", "GET", "/assets/folders/-1/assets/x"),
    ("read", "GET", "/assets/folders/-1/subfolders"),
    ("read", "POST", "/assets/folders/batch"),
    ("write", "POST", "/assets"),
    ("write", "PUT", "/assets"),
    ("write", "PUT", "/assets/1"),
    ("write", "PUT", "/assets/1/data"),
    ("write", "POST", "/assets/folders"),
    ("write", "PUT", "/assets/folders"),
    ("write", "PUT", "/assets/folders/1"),
    ("delete", "DELETE", "/assets"),
    ("delete", "DELETE", "/assets/1"),
    ("delete", "DELETE", "/assets/folders"),
    ("delete", "DELETE", "/assets/folders/1"),
)


@pytest.fixture(scope="module")
def tokens(shared_service: Service) -> Mapping[str, str]:
    """By the one scope that they lack."""
    scopes = {"read", "write", "delete"}
    return {lacking: make_token(shared_service, "scopes", *scopes - {lacking}) for lacking in scopes}


class TestWhoMay:
    @pytest.mark.parametrize(("scope", "method", "path"), SCOPES)
    def test_each_operation_has_its_scope(
        self, service: Service, tokens: Mapping[str, str], scope: str, method: str, path: str
    ) -> None:
        """403 for a key without it, before anything is looked up; any other answer for one that has it."""
        others = [token for lacking, token in tokens.items() if lacking != scope]

        assert_problem(Api(service=service, token=tokens[scope]).send(method, path, []), 403)
        assert all(
            Api(service=service, token=token).send(method, path, []).status_code not in (401, 403) for token in others
        )

    @pytest.mark.parametrize(("scope", "method", "path"), SCOPES)
    def test_nothing_is_answered_without_a_key(self, service: Service, scope: str, method: str, path: str) -> None:
        """401 with the challenge that RFC 9110, section 11.6.1, demands; an unknown key is none."""
        for headers in ({}, {"Authorization": "unknown"}, {"Authorization": "Bearer unknown"}):
            answer = service.client.request(method, MOUNTED_AT + path, headers=headers)

            assert_problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_the_key_is_sent_alone_or_as_a_bearer(self, api: Api) -> None:
        """Struct sends it alone; what speaks to other faces sends Bearer."""
        path = f"/struct/assets/{api.add()['Id']}"

        for authorization in (TOKEN, f"Bearer {TOKEN}", f"bearer {TOKEN}"):
            assert api.service.get(path, Authorization=authorization).status_code == 200

    def test_no_instance_sees_anothers(self, service: Service) -> None:
        """Neither assets nor folders, by no id, for no operation."""
        ours, theirs = (
            Api(service=service, token=make_token(service, instance, "read", "write", "delete"))
            for instance in ("ours", "theirs")
        )
        folder = ours.folder()
        shape = ours.add(folder=folder)
        guid, slug = other_ids(service, shape["Id"])

        assert theirs.get("/assets/ids") == theirs.get("/assets/folders/-1/subfolders") == []
        for name in (shape["Id"], guid, slug):
            assert_problem(theirs.send("GET", f"/assets/{name}"), 404)
            assert_problem(theirs.send("DELETE", f"/assets/{name}"), 404)
            assert_problem(theirs.send("PUT", f"/assets/{name}", {"Filename": "x"}), 404)
            assert_problem(theirs.upload(f"/assets/{name}/data", originals.png(), "a.png", method="PUT"), 404)
        assert_problem(theirs.send("GET", f"/assets/folders/{folder}/assets"), 404)
        assert_problem(theirs.send("PUT", f"/assets/folders/{folder}", {"Name": "x"}), 404)
        assert_problem(theirs.send("DELETE", f"/assets/folders/{folder}"), 404)
        assert_problem(theirs.upload(f"/assets?folderId={folder}", originals.png(), "a.png"), 404)
        assert_problem(theirs.send("PUT", f"/assets/{theirs.add()['Id']}", {"FolderId": folder}), 404)
        assert theirs.send("POST", "/assets/batch", [shape["Id"], guid, slug]).json() == []
        assert theirs.send("POST", "/assets/folders/batch", [folder]).json() == []
        assert ours.get("/assets/ids") == [shape["Id"]]
        assert ours.get(f"/assets/{shape['Id']}") == shape


class TestAtTheSameTime:
    def test_changes_of_one_asset_lose_nothing(self, api: Api) -> None:
        """Names, folders and bytes are changed by several at once: each change is there at the end."""
        shape, folder = api.add(), api.folder()
        path = f"/assets/{shape['Id']}"
        data = originals.png(111, 77)

        with ThreadPoolExecutor(12) as threads:
            done = [
                *(threads.submit(api.send, "PUT", path, {"Filename": "renamed"}) for _ in range(10)),
                *(threads.submit(api.send, "PUT", path, {"FolderId": folder}) for _ in range(10)),
                *(threads.submit(api.upload, f"{path}/data", data, "x.png", method="PUT") for _ in range(5)),
            ]

        for future in done:
            assert_done(future.result())
        after = api.get(path)
        assert (after["Name"], after["ParentId"]) == ("renamed", folder)
        assert httpx.get(after["Url"], trust_env=False).content == data

    def test_one_folder_of_a_name_is_made_however_many_ask(self, api: Api) -> None:
        """One 200, otherwise 409."""
        parent = api.folder()
        body = [{"Name": "same", "ParentId": parent}]

        with ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(lambda _: api.send("POST", "/assets/folders", body).status_code, range(12)))

        assert sorted(answers) == [200] + [409] * 11
        assert len(api.get(f"/assets/folders/{parent}/subfolders")) == 1

    def test_two_folders_that_move_into_each_other_make_no_circle(self, api: Api) -> None:
        """One of the two is refused."""
        one, two = api.folder(), api.folder()

        with ThreadPoolExecutor(2) as threads:
            answers = threads.map(
                lambda move: api.send("PUT", f"/assets/folders/{move[0]}", {"ParentId": move[1]}).status_code,
                [(one, two), (two, one)],
            )

        assert sorted(answers) == [200, 409]


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Every process is killed with signal 9 right after the last answer; nothing that was answered is lost."""
    data = tmp_path / "data"
    with serving(data, workers=1) as service:
        api = Api(service=service)
        folder = api.folder()
        kept, gone = api.add(folder=folder), api.add()
        path = f"/assets/{kept['Id']}"
        api.done("PUT", path, {"Filename": "renamed", "FolderId": "root"})
        api.done("PUT", f"/assets/folders/{folder}", {"Name": "Renamed"})
        api.done("DELETE", f"/assets/{gone['Id']}")
        assert_done(api.upload(f"{path}/data", originals.png(90, 60), "x.png", method="PUT"))
        processes = [service.pid, *family_of(service.pid)]
        for pid in processes:
            # Children die with their parent, perhaps before their turn.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        poll(lambda: not any(map(is_alive, processes)), for_what="all processes to be dead")

    with serving(data, workers=1) as service:
        api = Api(service=service)
        after = api.get(path)
        shown = api.service.get(urlsplit(after["Url"]).path).content

        assert (after["Name"], after["ParentId"]) == ("renamed", "-1")
        assert size_of(shown) == (90, 60)
        assert api.get(f"/assets/folders/{folder}")["Name"] == "Renamed"
        assert api.get("/assets/ids") == [kept["Id"]]


def assert_done(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-length"] == "0"
    assert answer.content == b""


def assert_problem(answer: httpx.Response, status: int, *, detail: bool = True) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert problem["status"] == status
    assert bool(problem.get("detail")) or not detail
    return problem


def assert_equal_but_for_what_cannot_be(name: str, body: Any, example: Exchange) -> None:
    """`CANNOT_BE_EQUAL` says why."""
    if name == "struct_create_folders":
        assert list(body) == [folder["Name"] for folder in example.request]
        assert all(isinstance(asset_id, str) and asset_id.isdigit() for asset_id in body.values())
    elif name == "struct_list_subfolders":
        assert body == [shape | {"ParentId": "45"} for shape in example.answer]
    else:
        expected = [{**shape, "ParentId": "-1"} for shape in example.answer]
        assert sorted(body, key=by_id) == sorted(expected, key=by_id)


def by_id(shape: Mapping[str, Any]) -> str:
    return shape["Id"]


def without_times(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if name not in ("Created", "LastModified")}


def name_of(number: int) -> str:
    """In an order that is not that of the serials; each is the name of two."""
    return f"{number * 7919 % 5000:05}.png"


def make_token(service: Service, instance: str, *scopes: str) -> str:
    chosen = [argument for scope in scopes for argument in ("--scope", scope)]
    made = service.command("token", "create", uuid4().hex, "--instance", instance, *chosen)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def other_ids(service: Service, asset_id: str) -> tuple[str, str]:
    """GUID and slug."""
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        return catalog.execute("SELECT id, slug FROM assets WHERE serial = ?", (int(asset_id),)).fetchone()


def kept_name(service: Service, asset_id: str) -> str:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (name,) = catalog.execute("SELECT name FROM assets WHERE serial = ?", (int(asset_id),)).fetchone()
        return name


def body_of(connection: Any, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    return body


def size_of(data: bytes) -> tuple[int, int]:
    picture = originals.decode(data)
    return picture.width, picture.height


@contextmanager
def connected(data: Path) -> Generator[sqlite3.Connection]:
    """One transaction with the catalogue, beside the service."""
    with closing(sqlite3.connect(data / "catalog.sqlite", timeout=30)) as catalog, catalog:
        yield catalog


def write_documented_library(data: Path) -> None:
    """In place of whatever there is."""
    with connected(data) as catalog:
        for table in ("links", "assets", "folders"):
            catalog.execute(f"DELETE FROM {table}")
        for serial, parent, name in DOCUMENTED_FOLDERS:
            insert(catalog, "folders", serial=serial, parent=parent, name=name, instance=OPERATORS)
        insert_assets(catalog, DOCUMENTED_ASSETS)
        insert_assets(
            catalog, ({"serial": serial, "name": "x.png", "instance": "numbers"} for serial in range(100, 105))
        )
        for link_type, origins in DOCUMENTED_LINKS.items():
            for sequence, origin in enumerate(origins):
                insert_link(catalog, 321102, origin, link_type, sequence)


def insert_assets(catalog: sqlite3.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """All of the same picture, whose bytes are nowhere."""
    insert(catalog, "originals", digest=DIGEST, md5="0" * 32, length=1, format="png", width=1,
           height=1, orientation=1, frames=1, has_alpha=0, is_srgb=1)  # fmt: skip
    insert(catalog, "originals", digest=PDF, md5="0" * 32, length=1)
    for row in rows:
        identifier = str(uuid4())
        defaults = {
            "id": identifier, "slug": f"{row['serial']:a>8}", "instance": OPERATORS, "code": identifier,
            "digest": DIGEST, "description": "", "active": 1, "attributes": "{}", "classifications": "[]",
            "created": "2024-01-01 00:00:00", "created_by": 0, "modified": "2024-01-01 00:00:00", "updated_by": 0,
        }  # fmt: skip
        insert(catalog, "assets", **{**defaults, **row})


def insert_link(catalog: sqlite3.Connection, target: int, origin: str, link_type: str, sequence: int) -> None:
    insert(catalog, "links", target=target, origin=origin, link_type=link_type, attributes="{}", sequence=sequence)


def insert(catalog: sqlite3.Connection, table: str, **row: Any) -> None:
    names, places = ", ".join(row), ", ".join("?" * len(row))
    catalog.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})", list(row.values()))


DIGEST, PDF = "0" * 64, "1" * 64
OPERATORS = "default"
"""The instance of the operator's token."""

DOCUMENTED_FOLDERS = (
    (2, None, "Two"),
    (4, 2, "Four"),
    (10, None, "Ten"),
    (45, None, "Forty-five"),
    (46, None, "Forty-six"),
    (3211, 45, "Apple images"),
    (3288, 46, "Pricelists"),
)
DOCUMENTED_ASSETS = (
    {
        "serial": 321102, "name": "struct-logo.png", "slug": "wuqj0ouk", "folder": 10,
        "created": "2020-10-12 10:43:27", "modified": "2020-11-01 10:43:27",
    },
    {
        "serial": 321223, "name": "Pricelist.pdf", "slug": "bbmn5ztr", "digest": PDF,
        "created": "2020-08-04 07:27:12", "modified": "2020-08-11 07:27:12",
    },
)  # fmt: skip
"""Times in UTC, as they are kept."""

DOCUMENTED_LINKS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "GlobalListValue": ("c4bb22c0-4ec2-441e-97d5-27c3a94047ae",),
        "Variant": ("3211", "30", "203"),
        "VariantGroup": ("10", "20"),
        "Product": ("1000", "201", "2031", "3055"),
        "Category": ("12", "32"),
    }
)
