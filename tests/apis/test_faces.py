"""One library, four faces: what any API is told holds in all of them at once, and for nobody else's instance."""

import os
import signal
import sqlite3
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from http.client import HTTPConnection
from itertools import count, permutations
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import httpx
import pytest

from tests import originals
from tests.apis.test_qooly import other_server
from tests.servers import TOKEN, Service, family_of, is_alive, poll, serving

Kind: TypeAlias = str
"""Of an id: `guid`, `serial`, `slug`, `code`."""

Ids: TypeAlias = Mapping[Kind, str]
"""All those of one asset."""


class Seen(NamedTuple):
    """An asset as a face shows it: `name` with its extension, `url` of the bytes as they came, `small` of fewer."""

    id: str
    name: str
    url: str
    small: str


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """Speaks for one token."""

    service: Service
    token: str = TOKEN

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.service.client.request(method, path, headers=headers, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What an API calls things, and how it is spoken to; None: it has no way.

    `asset`: the path of one, with `{id}`. `own`: the kind of its ids. `knows`: the kinds that it finds an asset by.
    """

    asset: str
    own: Kind
    knows: Collection[Kind]
    see: Callable[[Any], Seen]
    create: Callable[[Speaker, bytes, str], httpx.Response]
    rename: Callable[[Speaker, str, str], httpx.Response] | None = None
    replace: Callable[[Speaker, str, bytes, str], httpx.Response] | None = None
    deletes: bool = True

    def path(self, asset_id: str) -> str:
        return self.asset.replace("{id}", asset_id)

    def read(self, speaker: Speaker, asset_id: str) -> httpx.Response:
        return speaker.ask("GET", self.path(asset_id))

    def delete(self, speaker: Speaker, asset_id: str) -> httpx.Response:
        return speaker.ask("DELETE", self.path(asset_id))

    def look(self, speaker: Speaker, asset_id: str) -> Seen:
        answer = self.read(speaker, asset_id)
        assert answer.status_code == 200, answer.text
        return self.see(answer.json())


def _struct_create(speaker: Speaker, data: bytes, name: str) -> httpx.Response:
    return speaker.ask("POST", "/struct/assets", files={"uploadedFile": (name, data)})


def _struct_rename(speaker: Speaker, asset_id: str, name: str) -> httpx.Response:
    return speaker.ask("PUT", f"/struct/assets/{asset_id}", json={"Filename": name})


def _struct_replace(speaker: Speaker, asset_id: str, data: bytes, name: str) -> httpx.Response:
    return speaker.ask("PUT", f"/struct/assets/{asset_id}/data", files={"uploadedFile": (name, data)})


def _struct_see(shape: Any) -> Seen:
    return Seen(shape["Id"], f"{shape['Name']}.{shape['Extension']}", shape["Url"], f"{shape['Url']}?width=40")


def _iqmetrix_create(speaker: Speaker, data: bytes, name: str) -> httpx.Response:
    return speaker.ask("POST", "/iqmetrix/assets", files={"Filename": (name, data)})


def _iqmetrix_see(shape: Any) -> Seen:
    return Seen(shape["id"], shape["name"], shape["href"], f"{shape['href']}?width=40")


_codes = count(1)


def _quable_send(speaker: Speaker, data: bytes, name: str) -> httpx.Response:
    return speaker.ask("POST", "/quable/api/files", files={"file": (name, data)}, data={"fileType": "asset"})


def _quable_create(speaker: Speaker, data: bytes, name: str) -> httpx.Response:
    """Under an id of its caller's, which no other face knows."""
    sent = _quable_send(speaker, data, name)
    if sent.status_code != 201:
        return sent
    body = {"id": f"Code of {next(_codes)}, ü", "file": {"id": sent.json()["id"]}}
    return speaker.ask("POST", "/quable/api/assets", json=body)


def _quable_rename(speaker: Speaker, asset_id: str, name: str) -> httpx.Response:
    return speaker.ask("PUT", f"/quable/api/assets/{asset_id}", json={"name": name})


def _quable_replace(speaker: Speaker, asset_id: str, data: bytes, name: str) -> httpx.Response:
    sent = _quable_send(speaker, data, name)
    if sent.status_code != 201:
        return sent
    return speaker.ask("PUT", f"/quable/api/assets/{asset_id}", json={"file": {"id": sent.json()["id"]}})


def _quable_see(shape: Any) -> Seen:
    return Seen(shape["id"], shape["name"], shape["url"], shape["thumbnailUrl"])


def _qooly_create(speaker: Speaker, data: bytes, name: str) -> httpx.Response:
    with other_server({f"/{name}": data}) as server:
        return speaker.ask("POST", "/qooly/v1/assets", json={"name": name, "url": f"{server.url}/{name}"})


def _qooly_rename(speaker: Speaker, asset_id: str, name: str) -> httpx.Response:
    return speaker.ask("PATCH", f"/qooly/v1/assets/{asset_id}", json={"name": name})


def _qooly_replace(speaker: Speaker, asset_id: str, data: bytes, name: str) -> httpx.Response:
    with other_server({f"/{name}": data}) as server:
        return speaker.ask("PUT", f"/qooly/v1/assets/{asset_id}", json={"url": f"{server.url}/{name}"})


def _qooly_see(shape: Any) -> Seen:
    return Seen(shape["id"], shape["name"], shape["url"], shape["thumbnail_url"])


ANY_BUT_CODES = ("guid", "serial", "slug")

FACES: Mapping[str, Face] = MappingProxyType(
    {
        "struct": Face(
            asset="/struct/assets/{id}",
            own="serial",
            knows=ANY_BUT_CODES,
            see=_struct_see,
            create=_struct_create,
            rename=_struct_rename,
            replace=_struct_replace,
        ),
        "iqmetrix": Face(
            asset="/iqmetrix/assets/{id}",
            own="guid",
            knows=ANY_BUT_CODES,
            see=_iqmetrix_see,
            create=_iqmetrix_create,
            deletes=False,
        ),
        "quable": Face(
            asset="/quable/api/assets/{id}",
            own="code",
            # A code is any text, so that no serial and no slug can be told from one.
            knows=("guid", "code"),
            see=_quable_see,
            create=_quable_create,
            rename=_quable_rename,
            replace=_quable_replace,
        ),
        "qooly": Face(
            asset="/qooly/v1/assets/{id}",
            own="serial",
            knows=ANY_BUT_CODES,
            see=_qooly_see,
            create=_qooly_create,
            rename=_qooly_rename,
            replace=_qooly_replace,
        ),
    }
)

RENAMING = [name for name, face in FACES.items() if face.rename is not None]
REPLACING = [name for name, face in FACES.items() if face.replace is not None]
DELETING = [name for name, face in FACES.items() if face.deletes]
PAIRS = list(permutations(FACES, 2))

SQUARE = originals.png(300, 300)
TALL = originals.png(200, 400)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """Two server processes; it may fetch from this host."""
    with serving(tmp_path_factory.mktemp("faces") / "data", import_private="true") as service:
        yield service


@pytest.fixture(scope="module")
def speaker(own: Service) -> Speaker:
    return Speaker(service=own)


@pytest.fixture(scope="module")
def other(own: Service) -> Speaker:
    """Of another instance."""
    return Speaker(service=own, token=_make_token(own, "elsewhere"))


@pytest.fixture(scope="module")
def made(speaker: Speaker) -> Mapping[str, tuple[bytes, Ids]]:
    """An asset by each face, with bytes of its own."""
    pictures = {name: originals.png(100 + 10 * number, 80) for number, name in enumerate(FACES)}
    return {name: (data, _create(speaker, name, data, f"{name}.png")) for name, data in pictures.items()}


@pytest.mark.parametrize(("a", "b"), PAIRS)
class TestWhatOneMakesTheOtherShows:
    def test_the_same_bytes_and_name(
        self, speaker: Speaker, made: Mapping[str, tuple[bytes, Ids]], a: str, b: str
    ) -> None:
        """At the URL that the other face gives."""
        data, ids = made[a]

        seen = FACES[b].look(speaker, ids[FACES[b].own])
        answer = httpx.get(seen.url, trust_env=False)

        assert seen.name == f"{a}.png"
        assert seen.id == ids[FACES[b].own]
        assert answer.headers["content-type"] == "image/png"
        assert _md5(answer.content) == _md5(data)
        assert originals.decode(httpx.get(seen.small, trust_env=False).content).width <= 320

    def test_each_others_ids(self, speaker: Speaker, made: Mapping[str, tuple[bytes, Ids]], a: str, b: str) -> None:
        """Where their syntax cannot be mistaken, and nowhere else."""
        _, ids = made[b]
        face = FACES[a]

        statuses = {text: face.read(speaker, text).status_code for text in ids.values()}

        known = {ids[kind] for kind in face.knows}
        assert statuses == {text: 200 if text in known else 404 for text in ids.values()}
        for kind in face.knows:
            assert face.look(speaker, ids[kind]) == face.look(speaker, ids[face.own])


@pytest.mark.parametrize("b", FACES)
class TestWhatOneChangesTheOtherShows:
    @pytest.mark.parametrize("a", RENAMING)
    def test_a_new_name(self, speaker: Speaker, a: str, b: str) -> None:
        """The extension stays; the URLs from before still lead to the bytes."""
        data = originals.png(90, 70)
        ids = _create(speaker, b, data, "before.png")
        before = FACES[b].look(speaker, ids[FACES[b].own])

        _rename(speaker, a, ids, "after.png")
        after = FACES[b].look(speaker, ids[FACES[b].own])

        assert (before.name, after.name) == ("before.png", "after.png")
        for seen in (before, after):
            assert httpx.get(seen.url, trust_env=False).content == data

    @pytest.mark.parametrize("a", REPLACING)
    def test_new_bytes(self, speaker: Speaker, a: str, b: str) -> None:
        """At the URLs from before, whole and small, at the next request, whichever process it meets."""
        ids = _create(speaker, b, SQUARE, "picture.png")
        seen = FACES[b].look(speaker, ids[FACES[b].own])

        with speaker.service.connections_to_every_process() as dealt:
            connections = [some[0] for some in dealt.values()]

            def get(url: str) -> list[bytes]:
                return [_ask(connection, url)[1] for connection in connections]

            before = get(seen.url) + get(seen.url), _shapes(get(seen.small) + get(seen.small))
            _replace(speaker, a, ids, TALL, "picture.png")
            after = get(seen.url), _shapes(get(seen.small))

        assert len(connections) == 2
        assert before == ([SQUARE] * 4, {1.0})
        assert after == ([TALL] * 2, {2.0})
        assert FACES[b].look(speaker, ids[FACES[b].own]) == seen

    @pytest.mark.parametrize("a", REPLACING)
    def test_bytes_of_another_format(self, speaker: Speaker, a: str, b: str) -> None:
        """The name gets the extension of what it names."""
        ids = _create(speaker, b, SQUARE, "picture.png")

        _replace(speaker, a, ids, originals.jpeg(), "other.jpg")
        seen = FACES[b].look(speaker, ids[FACES[b].own])

        answer = httpx.get(seen.url, trust_env=False)
        assert seen.name == "picture.jpg"
        assert (answer.content, answer.headers["content-type"]) == (originals.jpeg(), "image/jpeg")

    @pytest.mark.parametrize("a", DELETING)
    def test_it_is_gone(self, speaker: Speaker, a: str, b: str) -> None:
        """404 in every face by every id, and for its pictures, whichever process is met."""
        ids = _create(speaker, b, SQUARE, "picture.png")
        seen = {name: face.look(speaker, ids[face.own]) for name, face in FACES.items()}
        urls = [url for one in seen.values() for url in (one.url, one.small)]

        with speaker.service.connections_to_every_process() as dealt:
            connections = [some[0] for some in dealt.values()]
            before = {_ask(connection, url)[0] for connection in connections for url in urls}
            _delete(speaker, a, ids)
            after = {_ask(connection, url)[0] for connection in connections for url in urls}

        reads = {face.read(speaker, text).status_code for face in FACES.values() for text in ids.values()}
        assert (before, after, reads) == ({200}, {404}, {404})


class TestWhatOneAloneCanSay:
    @pytest.fixture
    def ids(self, speaker: Speaker) -> Ids:
        """Of an asset of which each face has said what only it can."""
        ids = _create(speaker, "quable", originals.png(70, 50), "picture.png")
        body = {"classification": {"id": "packshots"}, "attributes": {"season": "spring", "title": {"fr_FR": "Été"}}}
        links = [("1000", "product_picture", 2), ("201", "product_picture", 1), ("32", "category_picture", 1)]

        answers = [speaker.ask("PUT", FACES["quable"].path(ids["code"]), json=body)]
        for origin, link_type, sequence in links:
            named = {"origin": {"id": origin}, "target": {"id": ids["code"]}, "linkType": {"id": link_type}}
            answers.append(speaker.ask("POST", "/quable/api/links", json={**named, "sequence": sequence}))
        answers.append(speaker.ask("PUT", FACES["qooly"].path(ids["serial"]), json={"description": "told at Qooly"}))

        assert [answer.status_code for answer in answers] == [200, 201, 201, 201, 200]
        return ids

    def test_classification_and_attributes_of_quable_are_structs_type_and_properties(
        self, speaker: Speaker, ids: Ids
    ) -> None:
        """Values as they were given, maps of locales included."""
        shape = FACES["struct"].read(speaker, ids["serial"]).json()

        assert shape["Type"] == "packshots"
        assert shape["Properties"] == {"season": "spring", "title": {"fr_FR": "Été"}}

    def test_links_of_quable_are_structs_references(self, speaker: Speaker, ids: Ids) -> None:
        """By kind, in their sequence."""
        references = speaker.ask("GET", f"{FACES['struct'].path(ids['serial'])}/references").json()

        assert references["ProductReferences"] == [201, 1000]
        assert references["CategoryReferences"] == [32]
        assert references["VariantReferences"] == references["GlobalListValueReferences"] == []

    @pytest.mark.parametrize("name", RENAMING)
    def test_what_another_changes_takes_none_of_it(self, speaker: Speaker, ids: Ids, name: str) -> None:
        """Neither a new name nor new bytes, through whichever face."""

        def told() -> tuple[object, ...]:
            struct = FACES["struct"].read(speaker, ids["serial"]).json()
            quable = FACES["quable"].read(speaker, ids["code"]).json()
            qooly = FACES["qooly"].read(speaker, ids["serial"]).json()
            references = speaker.ask("GET", f"{FACES['struct'].path(ids['serial'])}/references").json()
            links = quable["documentLinks"] + quable["variantLinks"]
            classifications = [classification["id"] for classification in quable["classifications"]]
            return struct["Type"], references, quable["attributes"], classifications, links, qooly["description"]

        before = told()
        _rename(speaker, name, ids, "renamed.png")
        _replace(speaker, name, ids, TALL, "renamed.png")

        assert told() == before
        assert before[-1] == "told at Qooly"

    def test_the_folder_of_struct_stays(self, speaker: Speaker) -> None:
        """Whatever the others change."""
        folders = speaker.ask("POST", "/struct/assets/folders", json=[{"Name": "Pictures"}]).json()
        ids = _create(speaker, "struct", SQUARE, "picture.png")
        folder = {"FolderId": folders["Pictures"]}
        assert speaker.ask("PUT", FACES["struct"].path(ids["serial"]), json=folder).status_code == 200

        for name in ("quable", "qooly"):
            _rename(speaker, name, ids, f"{name}.png")
            _replace(speaker, name, ids, TALL, "picture.png")

        assert FACES["struct"].read(speaker, ids["serial"]).json()["ParentId"] == folders["Pictures"]


def test_changes_through_all_faces_at_the_same_time_lose_nothing(speaker: Speaker) -> None:
    """The last of each field stays, whoever wrote another field meanwhile."""
    ids = _create(speaker, "quable", SQUARE, "picture.png")
    quable, qooly = (FACES[name].path(ids[FACES[name].own]) for name in ("quable", "qooly"))

    def names(number: int) -> httpx.Response:
        return _struct_rename(speaker, ids["serial"], f"name {number}")

    def attributes(number: int) -> httpx.Response:
        return speaker.ask("PUT", quable, json={"attributes": {f"key {number}": number}})

    def descriptions(number: int) -> httpx.Response:
        return speaker.ask("PATCH", qooly, json={"description": f"text {number}"})

    def write(change: Callable[[int], httpx.Response]) -> list[int]:
        return [change(number).status_code for number in range(15)]

    with ThreadPoolExecutor(3) as threads:
        statuses = list(threads.map(write, (names, attributes, descriptions)))

    assert statuses == [[200] * 15] * 3
    assert FACES["struct"].look(speaker, ids["serial"]).name == "name 14.png"
    assert FACES["qooly"].read(speaker, ids["serial"]).json()["description"] == "text 14"
    attributes_told = FACES["quable"].read(speaker, ids["code"]).json()["attributes"]
    assert attributes_told == {f"key {number}": number for number in range(15)}


class TestIdsThatLookAlike:
    def test_a_code_of_digits_is_a_code_at_quable_and_a_serial_elsewhere(self, speaker: Speaker) -> None:
        """Two assets that the same text names, each where it is meant."""
        ids = _create(speaker, "struct", SQUARE, "by-serial.png")
        sent = _quable_send(speaker, TALL, "by code.png").json()

        answer = speaker.ask("POST", "/quable/api/assets", json={"id": ids["serial"], "file": {"id": sent["id"]}})

        assert answer.status_code == 201
        names = {name: face.look(speaker, ids["serial"]).name for name, face in FACES.items()}
        assert names == {**dict.fromkeys(FACES, "by-serial.png"), "quable": "by code.png"}

    def test_a_code_of_a_slugs_form_is_a_code_at_quable_and_a_slug_elsewhere(self, speaker: Speaker) -> None:
        """As with digits."""
        ids = _create(speaker, "qooly", SQUARE, "by-slug.png")
        sent = _quable_send(speaker, TALL, "by code.png").json()

        answer = speaker.ask("POST", "/quable/api/assets", json={"id": ids["slug"], "file": {"id": sent["id"]}})

        assert answer.status_code == 201
        names = {name: face.look(speaker, ids["slug"]).name for name, face in FACES.items()}
        assert names == {**dict.fromkeys(FACES, "by-slug.png"), "quable": "by code.png"}

    def test_nobody_can_take_anothers_guid_for_a_code(self, speaker: Speaker) -> None:
        """409: a GUID names one asset everywhere."""
        ids = _create(speaker, "iqmetrix", SQUARE, "picture.png")
        sent = _quable_send(speaker, TALL, "other.png").json()

        for guid in (ids["guid"], ids["guid"].upper()):
            answer = speaker.ask("POST", "/quable/api/assets", json={"id": guid, "file": {"id": sent["id"]}})
            assert answer.status_code == 409


@pytest.mark.parametrize("name", FACES)
class TestInstances:
    def test_no_face_shows_or_changes_anothers_asset(self, speaker: Speaker, other: Speaker, name: str) -> None:
        """By no kind of id, and by no operation: 404, and nothing has changed."""
        ids = _create(speaker, name, SQUARE, "ours.png")
        face = FACES[name]
        before = face.look(speaker, ids[face.own])

        statuses: set[int] = set()
        for asset_id in ids.values():
            statuses.add(face.read(other, asset_id).status_code)
            if face.rename is not None:
                statuses.add(face.rename(other, asset_id, "theirs.png").status_code)
            if face.replace is not None:
                statuses.add(face.replace(other, asset_id, TALL, "theirs.png").status_code)
            if face.deletes:
                statuses.add(face.delete(other, asset_id).status_code)

        assert statuses == {404}
        assert face.look(speaker, ids[face.own]) == before
        assert httpx.get(before.url, trust_env=False).content == SQUARE

    def test_what_is_made_in_one_is_found_there_alone(self, speaker: Speaker, other: Speaker, name: str) -> None:
        """In every face, the other way round as well."""
        theirs = _create(other, name, SQUARE, "theirs.png")

        for face in FACES.values():
            assert face.look(other, theirs[face.own]).name == "theirs.png"
            assert {face.read(speaker, text).status_code for text in theirs.values()} == {404}


def test_no_list_shows_anothers_assets(speaker: Speaker, other: Speaker) -> None:
    """Struct's ids, batches and folders, Quable's collection, Qooly's array."""
    ours = _create(speaker, "struct", SQUARE, "ours.png")
    theirs = _create(other, "struct", SQUARE, "theirs.png")

    def lists(of: Speaker) -> Sequence[set[str]]:
        quable = of.ask("GET", "/quable/api/assets?limit=200").json()["hydra:member"]
        both = [ours["serial"], theirs["serial"]]
        return (
            set(of.ask("GET", "/struct/assets/ids").json()),
            {shape["Id"] for shape in of.ask("POST", "/struct/assets/batch", json=both).json()},
            {shape["Id"] for shape in of.ask("GET", "/struct/assets/folders/-1/assets").json()},
            {str(shape["legacyId"]) for shape in quable},
            {shape["id"] for shape in of.ask("GET", "/qooly/v1/assets").json()},
        )

    for found in lists(speaker):
        assert ours["serial"] in found
        assert theirs["serial"] not in found
    for found in lists(other):
        assert theirs["serial"] in found
        assert ours["serial"] not in found


def test_two_instances_may_use_one_code(speaker: Speaker, other: Speaker) -> None:
    """Quable's ids are the caller's own; each is shown at the CDN under its instance."""
    for number, of in enumerate((speaker, other)):
        sent = _quable_send(of, (SQUARE, TALL)[number], f"{number}.png").json()
        body = {"id": "the-same", "file": {"id": sent["id"]}}
        assert of.ask("POST", "/quable/api/assets", json=body).status_code == 201

    urls = [FACES["quable"].look(of, "the-same").url for of in (speaker, other)]

    assert [httpx.get(url, trust_env=False).content for url in urls] == [SQUARE, TALL]


class TestWhatIsLeftBehind:
    @pytest.mark.parametrize("name", DELETING)
    def test_the_last_asset_takes_its_bytes_with_it(self, speaker: Speaker, name: str) -> None:
        """The original and all that was made of it; as long as another shows them, they stay."""
        data = originals.png(333, 111 + DELETING.index(name))
        first, second = (_create(speaker, maker, data, f"{maker}.png") for maker in ("qooly", "iqmetrix"))
        before = _derivatives(speaker.service)
        small = FACES["struct"].look(speaker, second["serial"]).small
        width = originals.decode(httpx.get(small, trust_env=False).content).width
        original = _original_path(speaker.service, second)
        rendered = _derivatives(speaker.service) - before

        _delete(speaker, name, first)
        shared = (original.read_bytes(), rendered <= _derivatives(speaker.service))
        still = httpx.get(small, trust_env=False).status_code
        _delete(speaker, name, second)

        assert (width, len(rendered)) == (40, 1)
        assert (shared, still) == ((data, True), 200)
        assert not original.exists()
        assert not rendered & _derivatives(speaker.service)

    def test_bytes_that_were_sent_ahead_go_with_their_asset(self, speaker: Speaker) -> None:
        """An asset has been made of them; nothing waits for them any more."""
        ids = _create(speaker, "quable", originals.png(334, 111), "picture.png")
        original = _original_path(speaker.service, ids)

        _delete(speaker, "quable", ids)

        assert not original.exists()

    def test_a_deletion_does_not_wait_for_uploads_to_end(self, speaker: Speaker) -> None:
        """Eight clients that never pause keep nobody from deleting."""
        ids = _create(speaker, "struct", SQUARE, "picture.png")
        crowd = Speaker(service=speaker.service, token=_make_token(speaker.service, "crowd"))
        stop = Event()

        def upload(number: int) -> None:
            while not stop.is_set():
                _struct_create(crowd, b"text %d" % number, "some.txt")

        with ThreadPoolExecutor(8) as threads:
            uploads = [threads.submit(upload, number) for number in range(8)]
            try:
                answer = speaker.ask("DELETE", FACES["struct"].path(ids["serial"]), timeout=5)
            finally:
                stop.set()
            for done in uploads:
                done.result(60)

        assert answer.status_code == 200

    @pytest.mark.parametrize("name", FACES)
    def test_bytes_that_were_deleted_may_come_again(self, speaker: Speaker, name: str) -> None:
        """Through whichever face."""
        data = originals.png(335, 222)
        _delete(speaker, "struct", _create(speaker, "struct", data, "first.png"))

        ids = _create(speaker, name, data, "again.png")

        seen = FACES[name].look(speaker, ids[FACES[name].own])
        assert httpx.get(seen.url, trust_env=False).content == data
        assert originals.decode(httpx.get(seen.small, trust_env=False).content).width <= 320


Held: TypeAlias = dict[str, tuple[str, bytes] | None]
"""By id what was acknowledged last, name and bytes, or None where that was the end of it; nothing that is in doubt."""


def test_what_was_acknowledged_survives_the_death_of_all_processes(tmp_path: Path) -> None:
    """kill -9 in the midst of changes through every face: what was answered well holds after the next start."""
    held: dict[str, Held] = {name: {} for name in FACES}
    with serving(tmp_path / "data", import_private="true") as own, ThreadPoolExecutor(2) as threads:
        dying = Event()
        writers = [
            threads.submit(_write, Speaker(service=own), {name: held[name] for name in names}, dying)
            for names in (("struct", "iqmetrix"), ("quable", "qooly"))
        ]
        try:
            poll(lambda: all(len(some) >= 3 for some in held.values()), for_what="changes through every face")
        finally:
            family = [own.pid, *family_of(own.pid)]
            dying.set()
            for pid in family:
                # Children die with their parent, perhaps before their turn.
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for writer in writers:
            writer.result(60)
        own.process.wait(30)
        poll(lambda: not any(map(is_alive, family)), for_what="all processes to end")

    with serving(tmp_path / "data", import_private="true") as own:
        for name, some in held.items():
            for asset_id, state in some.items():
                assert _state(Speaker(service=own), FACES[name], asset_id) == state


def _write(speaker: Speaker, held: Mapping[str, Held], dying: Event) -> None:
    """Makes assets and changes them in every way that those faces have, until nobody answers any more."""
    try:
        for number, name in ((number, name) for number in count() for name in held):
            face, some = FACES[name], held[name]
            data = originals.png(60 + number % 40, 60)
            asset_id = face.see(_well(face.create(speaker, data, "new.png")).json()).id
            some[asset_id] = ("new.png", data)
            for change, state in _steps(speaker, face, asset_id, data):
                del some[asset_id]
                _well(change())
                some[asset_id] = state
    except (httpx.TransportError, _Refused):
        if not dying.is_set():
            raise


def _steps(
    speaker: Speaker, face: Face, asset_id: str, data: bytes
) -> list[tuple[Callable[[], httpx.Response], tuple[str, bytes] | None]]:
    """Changes, and what the asset is afterwards; every other asset is deleted in the end."""
    steps: list[tuple[Callable[[], httpx.Response], tuple[str, bytes] | None]] = []
    if face.rename is not None:
        steps.append((partial(face.rename, speaker, asset_id, "renamed.png"), ("renamed.png", data)))
    if face.replace is not None:
        steps.append((partial(face.replace, speaker, asset_id, TALL, "other.png"), ("renamed.png", TALL)))
    if face.deletes and originals.decode(data).width % 2:
        steps.append((partial(face.delete, speaker, asset_id), None))
    return steps


def _state(speaker: Speaker, face: Face, asset_id: str) -> tuple[str, bytes] | None:
    answer = face.read(speaker, asset_id)
    if answer.status_code == 404:
        return None
    seen = face.see(answer.json())
    return seen.name, httpx.get(seen.url, trust_env=False).content


class _Refused(Exception):
    pass


def _well(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise _Refused(answer.text)
    return answer


def _make_token(service: Service, instance: str) -> str:
    """It permits everything in that instance."""
    made = service.command("token", "create", "all", "--instance", instance, "--scope", "admin")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def _create(speaker: Speaker, name: str, data: bytes, file_name: str) -> Ids:
    face = FACES[name]
    answer = face.create(speaker, data, file_name)
    assert answer.is_success, answer.text
    with closing(sqlite3.connect(speaker.service.data / "catalog.sqlite")) as catalog:
        column = {"guid": "id"}.get(face.own, face.own)
        query = f"SELECT id, serial, slug, code FROM assets WHERE {column} = ?"
        guid, serial, slug, code = catalog.execute(query, (face.see(answer.json()).id,)).fetchone()
    return {"guid": guid, "serial": str(serial), "slug": slug, "code": code}


def _rename(speaker: Speaker, name: str, ids: Ids, file_name: str) -> None:
    rename = FACES[name].rename
    assert rename is not None
    assert rename(speaker, ids[FACES[name].own], file_name).status_code == 200


def _replace(speaker: Speaker, name: str, ids: Ids, data: bytes, file_name: str) -> None:
    replace = FACES[name].replace
    assert replace is not None
    assert replace(speaker, ids[FACES[name].own], data, file_name).status_code == 200


def _delete(speaker: Speaker, name: str, ids: Ids) -> None:
    assert FACES[name].delete(speaker, ids[FACES[name].own]).is_success


def _ask(connection: HTTPConnection, url: str) -> tuple[int, bytes]:
    """Status and body, from the process that has the connection."""
    parts = urlsplit(url)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    return answer.status, answer.read()


def _shapes(pictures: Sequence[bytes]) -> set[float]:
    """Height by width."""
    decoded = map(originals.decode, pictures)
    return {picture.height / picture.width for picture in decoded}


def _md5(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


def _original_path(service: Service, ids: Ids) -> Path:
    with closing(sqlite3.connect(service.data / "catalog.sqlite")) as catalog:
        (digest,) = catalog.execute("SELECT digest FROM assets WHERE id = ?", (ids["guid"],)).fetchone()
    return service.data / "originals" / digest[:2] / digest[2:4] / digest


def _derivatives(service: Service) -> set[Path]:
    return set((service.data / "derivatives").glob("??/??/*"))
