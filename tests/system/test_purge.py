"""Purges, as their callers see them: what goes, what stays, what caches in front are told."""

import hmac
import os
import signal
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import httpx
import pytest

from tests import originals
from tests.hooks import Listening, listening
from tests.servers import TOKEN, Service, is_ready, poll, run_command, serving

KEY = "a key of webhooks"
PNG = originals.png(30, 30)
STRUCT = {"Authorization": TOKEN}
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Fronted:
    service: Service
    varnish: Listening
    webhook: Listening

    def purge(self, *, status: int = 200, **body: Any) -> Any:
        answer = self.service.client.post("/purge", json=body, headers=AUTHORIZED)
        assert answer.status_code == status, answer.text
        return answer.json()

    def lengths(self) -> dict[Path, int]:
        """Of all derivatives, in bytes."""
        return _lengths(self.service.data / "derivatives")

    def levels(self) -> dict[Path, int]:
        return _lengths(self.service.data / "pyramids")

    def add(self, *queries: str, folder: str | None = None) -> str:
        """The GUID of an asset that was asked for by these; a picture of its own, and too small for a pyramid."""
        guid = self.service.add(originals.png(40 + next(_sides), 40))
        if folder is not None:
            self.move(guid, folder)
        for query in queries:
            self.ask(guid, query)
        return guid

    def ask(self, guid: str, query: str) -> bytes:
        answer = self.service.get(f"/images/{guid}.webp?{query}")
        assert answer.status_code == 200, answer.text
        return answer.content

    def move(self, guid: str, folder: str) -> None:
        answer = self.service.client.put(f"/struct/assets/{guid}", json={"FolderId": folder}, headers=STRUCT)
        assert answer.status_code == 200, answer.text

    def make_folder(self, name: str, parent: str = "root") -> str:
        answer = self.service.client.post(
            "/struct/assets/folders", json=[{"Name": name, "ParentId": parent}], headers=STRUCT
        )
        assert answer.status_code == 200, answer.text
        return answer.json()[name]


_sides = iter(range(1, 1000))


def _lengths(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in folder.glob("??/??/*")}


@contextmanager
def _fronted(data: Path) -> Generator[Fronted]:
    with listening() as varnish, listening() as webhook:
        hooks = f"varnish: {varnish.url}/; webhook: {webhook.url}/secret?key=1"
        with serving(data, purge_hooks=hooks, purge_key=KEY, presets="icon: width=16") as service:
            yield Fronted(service, varnish, webhook)


@pytest.fixture(scope="module")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Generator[Fronted]:
    with _fronted(tmp_path_factory.mktemp("fronted") / "data") as fronted:
        yield fronted


@pytest.fixture
def quiet(fronted: Fronted) -> Fronted:
    """With hooks that have heard all that was to be told, and have forgotten it."""
    fronted.purge(everything=True)
    for hook in (fronted.varnish, fronted.webhook):
        hook.calls.clear()
    return fronted


def test_an_assets_files_go_and_are_made_again(quiet: Fronted) -> None:
    """Of that asset alone; the receipt says how many and how long they were, and the same bytes come back."""
    guid, other = quiet.add("width=10", "width=20"), quiet.add("width=10")
    before = quiet.ask(guid, "width=10")
    lengths, rendered = quiet.lengths(), quiet.service.renders()

    receipt = quiet.purge(assets=[guid])

    gone = lengths.keys() - quiet.lengths().keys()
    assert receipt["done"]
    assert receipt["removed"] == {"derivatives": 2, "levels": 0, "bytes": sum(lengths[path] for path in gone)}
    assert len(gone) == 2
    assert (receipt["assets"], receipt["total"], receipt["tags"]) == (1, 1, [f"asset-{guid}"])
    assert [hook["told"] for hook in receipt["hooks"]] == [True, True]
    assert quiet.ask(guid, "width=10") == before
    quiet.ask(other, "width=10")
    assert quiet.service.renders() == rendered + 1


def test_a_receipt_can_be_asked_for_later(quiet: Fronted) -> None:
    """Where Location says; by its own instance alone."""
    answer = quiet.service.client.post("/purge", json={"everything": True}, headers=AUTHORIZED)

    again = quiet.service.client.get(answer.headers["location"], headers=AUTHORIZED)

    assert again.json() == answer.json()
    assert quiet.service.client.get(answer.headers["location"]).status_code == 401
    assert quiet.service.client.get("/purge/9999999", headers=AUTHORIZED).status_code == 404
    assert quiet.service.client.get("/purge/one", headers=AUTHORIZED).status_code == 404


def test_a_folder_goes_with_all_that_lies_in_it(quiet: Fronted) -> None:
    """By its number or by its tag; what lies elsewhere stays."""
    outer = quiet.make_folder("outer")
    inner = quiet.make_folder("inner", outer)
    for folder in (outer, inner, None):
        quiet.add("width=10", folder=folder)

    receipt = quiet.purge(folders=[int(outer)])
    by_tag = quiet.purge(tags=[f"folder-{outer}"])

    assert receipt["removed"]["derivatives"] == 2
    assert (receipt["assets"], receipt["total"]) == (2, 2)
    assert sorted(receipt["tags"]) == sorted([f"folder-{outer}", f"folder-{inner}"])
    assert (by_tag["removed"]["derivatives"], by_tag["assets"]) == (0, 2)
    assert len(quiet.lengths()) == 1


def test_a_preset_goes_in_every_format(quiet: Fronted) -> None:
    """Of every asset, with more words beside it, and what a redirect led to; what was asked for otherwise stays."""
    guid = quiet.add("preset=icon", "width=10", "preset=thumbnail&quality=40")
    for extension in ("png", "jpg", "avif"):
        assert quiet.service.get(f"/images/{guid}.{extension}?preset=icon").status_code == 200
    quiet.add("preset=ICON", "preset=icon&quality=40", "quality=30&preset=icon&maxWidth=9")
    assert quiet.service.get(f"/cdn/default/{guid}/icon/picture-png.tif").status_code == 200
    assert quiet.service.get(quiet.service.canonical_path(quiet.add(), "preset=icon")).status_code == 200
    before = quiet.lengths()

    receipt = quiet.purge(presets=["Icon"])

    assert receipt["removed"]["derivatives"] == 9
    assert receipt["tags"] == ["preset-icon"]
    assert len(before.keys() - quiet.lengths().keys()) == 9
    rendered = quiet.service.renders()
    quiet.ask(guid, "width=10")
    quiet.ask(guid, "preset=thumbnail&quality=40")
    assert quiet.service.renders() == rendered


def test_what_one_has_found_that_another_made_is_a_presets_too(quiet: Fronted) -> None:
    """Each is counted once, softly too; another instance's preset of that name is none of this one's."""
    guid = quiet.add("width=16&height=16&mode=max&quality=40")
    (made,) = quiet.lengths()
    with quiet.service.connections_to_every_process() as dealt:
        for connections in dealt.values():
            assert _ask(connections[0], f"/images/{guid}.webp?preset=16x16&quality=40").status == 200
    of_press, theirs = _in_press(quiet)
    quiet.ask(of_press, "preset=16x16&quality=40")

    soft, hard = quiet.purge(presets=["16x16"], soft=True), quiet.purge(presets=["16x16"])

    assert (soft["stale"], hard["removed"]["derivatives"]) == (1, 1)
    assert made not in quiet.lengths()
    press = quiet.service.client.post("/purge", json={"presets": ["16x16"]}, headers=theirs)
    assert press.json()["removed"]["derivatives"] == 1


def _in_press(fronted: Fronted) -> tuple[str, dict[str, str]]:
    """The GUID of the only asset of another instance, and a header that permits all there."""
    side = 40 + next(_sides)
    scopes = ("--scope", "write", "--scope", "delete")
    created = fronted.service.command("token", "create", "press", *scopes, "--instance", f"press-{side}")
    token = created.stdout.strip()
    answer = fronted.service.upload(originals.png(side, 30), token=token)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], {"Authorization": f"Bearer {token}"}


def test_everything_is_of_one_instance(quiet: Fronted) -> None:
    """What the other has stays, and its receipts are its own."""
    quiet.make_folder("of everything")
    quiet.add("width=10")
    guid, theirs = _in_press(quiet)
    quiet.ask(guid, "width=10")

    receipt = quiet.purge(everything=True)

    assert receipt["removed"]["derivatives"] == 1
    assert "folder-root" in receipt["tags"]
    assert len([tag for tag in receipt["tags"] if tag.startswith("folder-")]) >= 2
    assert len(quiet.lengths()) == 1
    assert quiet.service.client.get(f"/purge/{receipt['id']}", headers=theirs).status_code == 404
    quiet.purge(status=404, assets=[guid])
    quiet.purge(status=404, tags=[f"asset-{guid}"])
    assert quiet.service.client.post("/purge", json={"everything": True}, headers=theirs).json()["assets"] == 1


def test_a_pyramid_goes_with_its_original(quiet: Fronted) -> None:
    """Its levels are counted apart."""
    guid = quiet.service.add(originals.png(1000, 800))
    poll(lambda: quiet.levels() or None, for_what="the pyramid to be built")
    lengths = quiet.levels()

    receipt = quiet.purge(assets=[guid])

    assert receipt["removed"] == {"derivatives": 0, "levels": len(lengths), "bytes": sum(lengths.values())}
    assert quiet.levels() == {}


def test_what_is_purged_softly_is_answered_until_it_is_made_again(quiet: Fronted) -> None:
    """Once, though both processes had it in memory and are asked at the same time; meanwhile for a short time."""
    guid = quiet.add("width=20")
    path = f"/images/{guid}.webp?width=10"
    first = quiet.service.get(path)
    fresh, etag = first.content, first.headers["etag"]
    old = _older_bytes(quiet, key=etag.strip('"'))
    with quiet.service.connections_to_every_process() as dealt:
        each = [connections[0] for connections in dealt.values()]
        for connection in each * 4:
            poll(lambda one=connection: _ask(one, path).data == old, for_what="the older bytes in memory")
        rendered = quiet.service.renders()

        receipt = quiet.purge(assets=[guid], soft=True)
        answers = [_ask(connection, path) for connection in each]
        poll(lambda: quiet.service.renders() > rendered, for_what="it to be made again")
        later = [poll(lambda one=one: _kept_long(_ask(one, path)), for_what="the fresh one") for one in each * 3]

    assert (receipt["soft"], receipt["stale"]) == (True, 2)
    assert receipt["removed"] == {"derivatives": 0, "levels": 0, "bytes": 0}
    assert answers[0] == Answered(200, old, etag, "public, max-age=10")
    assert {(one.data, one.etag) for one in answers} <= {(old, etag), (fresh, etag)}
    assert {(one.data, one.etag) for one in later} == {(fresh, etag)}
    assert quiet.service.renders() == rendered + 1
    assert quiet.varnish.calls[-1].headers["xkey-softpurge"] == f"asset-{guid}"
    assert "xkey-purge" not in quiet.varnish.calls[-1].headers
    assert quiet.webhook.calls[-1].json["soft"] is True


def test_what_cannot_be_made_again_is_answered_on(quiet: Fronted) -> None:
    """Its original's file is gone: no failure. Once the asset is, it is not found."""
    guid = quiet.add("width=10")
    fresh, path = quiet.ask(guid, "width=10"), f"/images/{guid}.webp?width=10"
    content = quiet.service.get(f"/images/{guid}.png").content
    (quiet.service.data / "originals" / _digest_path(content)).unlink()

    quiet.purge(assets=[guid], soft=True)
    key = quiet.service.get(path).headers["etag"].strip('"')
    poll(lambda: _remakes(quiet, key), for_what="it to be tried")

    assert quiet.ask(guid, "width=10") == fresh
    assert quiet.service.get(path).headers["cache-control"] == "public, max-age=10"
    assert quiet.purge(assets=[guid], soft=True)["stale"] == 0
    assert quiet.service.client.delete(f"/struct/assets/{guid}", headers=STRUCT).is_success
    assert quiet.service.get(path).status_code == 404
    assert quiet.lengths() == {}


class Answered(NamedTuple):
    status: int
    data: bytes
    etag: str | None
    cache_control: str | None


def _ask(connection: HTTPConnection, path: str) -> Answered:
    connection.request("GET", path)
    answer = connection.getresponse()
    return Answered(answer.status, answer.read(), answer.getheader("etag"), answer.getheader("cache-control"))


def _kept_long(answer: Answered) -> Answered | None:
    return answer if answer.cache_control == "public, max-age=300, must-revalidate" else None


def _older_bytes(fronted: Fronted, *, key: str) -> bytes:
    """In the file of that key, and vouched for by the index, as another version of a library may have made them."""
    (path,) = (path for path in fronted.lengths() if path.stem == key)
    old = originals.png(7, 7)
    beside = path.with_name("beside")
    beside.write_bytes(old)
    with closing(sqlite3.connect(fronted.service.data / "derivatives" / "index.sqlite")) as index, index:
        index.execute("UPDATE derivatives SET length = ?, crc32 = ? WHERE key = ?", (len(old), crc32(old), key))
    beside.rename(path)
    return old


def _remakes(fronted: Fronted, key: str) -> list[str]:
    events = fronted.service.events()
    return [event["outcome"] for event in events if (event.get("event"), event.get("key")) == ("remake", key)]


def test_caches_in_front_are_told_by_header_and_by_json(quiet: Fronted) -> None:
    """PURGE with the tags in a header; POST of JSON, signed with the key both sides have."""
    guid, other = quiet.add(), quiet.add()

    quiet.purge(assets=[guid, other])

    (call,) = quiet.varnish.calls
    assert (call.method, call.path) == ("PURGE", "/")
    assert call.headers["surrogate-key"] == call.headers["xkey-purge"] == f"asset-{guid} asset-{other}"
    (call,) = quiet.webhook.calls
    assert (call.method, call.path) == ("POST", "/secret?key=1")
    assert (
        call.json.items() >= {"instance": "default", "tags": [f"asset-{guid}", f"asset-{other}"], "soft": False}.items()
    )
    assert call.headers["imgsvc-signature"] == f"sha256={hmac.new(KEY.encode(), call.body, sha256).hexdigest()}"


def test_caches_in_front_are_told_of_changes_through_any_face(quiet: Fronted) -> None:
    """Other bytes, another name or folder, gone: the asset's tag. What no URL shows is told nobody."""
    replaced, renamed, moved, described, deleted, by_command = (quiet.add() for _ in range(6))
    client, folder = quiet.service.client, quiet.make_folder("changes")
    serial = client.get(f"/struct/assets/{described}", headers=STRUCT).json()["Id"]
    quiet.varnish.calls.clear()

    answers = [
        client.put(f"/struct/assets/{replaced}/data", files={"uploadedFile": ("a.png", PNG)}, headers=STRUCT),
        client.put(f"/struct/assets/{renamed}", json={"Filename": "other"}, headers=STRUCT),
        client.put(f"/struct/assets/{moved}", json={"FolderId": folder}, headers=STRUCT),
        client.put(f"/qooly/v1/assets/{serial}", json={"description": "Seen"}, headers=AUTHORIZED),
        client.delete(f"/quable/api/assets/{deleted}", headers=AUTHORIZED),
    ]
    (quiet.service.data / "other.png").write_bytes(PNG)
    command = quiet.service.command("replace", by_command, str(quiet.service.data / "other.png"))
    expected = {f"asset-{guid}" for guid in (replaced, renamed, moved, deleted, by_command)}

    assert [answer.is_success for answer in answers] == [True] * 5, [answer.text for answer in answers]
    assert command.returncode == 0, command.stderr
    for hook in (quiet.varnish, quiet.webhook):
        poll(lambda hook=hook: expected <= set(hook.tags()), for_what="the hook to be told")
        assert set(hook.tags()) == expected


def test_a_hook_that_fails_holds_up_nobody_and_is_told_again(quiet: Fronted) -> None:
    """The receipt says so; the other one was told at once. It hears all of it later."""
    guid = quiet.add()
    quiet.webhook.status = 500
    failed = quiet.service.metric("imgsvc_hook_calls_total", hook="webhook", outcome="failed")

    receipt = quiet.purge(assets=[guid])
    quiet.webhook.status = 200

    varnish, webhook = receipt["hooks"]
    assert varnish == {"hook": f"varnish {quiet.varnish.url}", "told": True}
    assert webhook["hook"] == f"webhook {quiet.webhook.url}"
    assert (webhook["told"], webhook["failed"]) == (False, f"webhook {quiet.webhook.url} answered with status 500.")
    poll(lambda: quiet.webhook.tags() == [f"asset-{guid}"], for_what="the webhook to be told again")
    assert quiet.service.metric("imgsvc_hook_calls_total", hook="webhook", outcome="failed") > failed


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "names something to purge"),
        ({"soft": True}, 400, "names something to purge"),
        ({"assets": "all"}, 400, "assets"),
        ({"everithing": True}, 400, "body"),
        ({"everything": "yes"}, 400, "everything"),
        ({"tags": ["shirts"]}, 400, "tags"),
        ({"tags": ["asset-12"]}, 400, "tags"),
        ({"assets": ["no such asset"]}, 404, "no such asset"),
        ({"folders": ["99999"]}, 404, "99999"),
        ({"folders": ["Ⅷ"]}, 404, "folder"),
        ({"presets": ["no-such-preset"]}, 404, "no-such-preset"),
    ],
)
def test_what_cannot_be_meant_is_said(quiet: Fronted, body: dict[str, Any], status: int, says: str) -> None:
    """And nothing is purged, whatever else is named."""
    quiet.add("width=10")

    problem = quiet.purge(status=status, **(body | ({} if status == 400 else {"everything": True})))

    assert says in problem["detail"]
    assert len(quiet.lengths()) == 1


def test_a_token_must_permit_deletion(quiet: Fronted) -> None:
    """401 without one; one that may only write may not purge."""
    created = quiet.service.command("token", "create", "writer", "--scope", "write")
    headers = {"Authorization": f"Bearer {created.stdout.strip()}"}

    answers = [quiet.service.client.post("/purge", json={"everything": True}, headers=one) for one in ({}, headers)]

    assert [answer.status_code for answer in answers] == [401, 403]
    assert quiet.varnish.calls == []


def test_the_command_prints_the_receipt(quiet: Fronted) -> None:
    """Of what the service has done."""
    guid = quiet.add("width=10")
    length = sum(quiet.lengths().values())

    done = quiet.service.command("purge", "--asset", guid)
    unknown = quiet.service.command("purge", "--asset", "nobody's", "--everything")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"removed  1 derivatives, 0 pyramid levels, {length} bytes, of 1 assets",
        f"told     varnish {quiet.varnish.url}",
        f"told     webhook {quiet.webhook.url}",
    ]
    assert (unknown.returncode, unknown.stderr) == (1, "Error: There is no asset of id nobody's.\n")


def test_what_is_damaged_is_named_and_can_be_healed(quiet: Fronted) -> None:
    """Originals and cached files, beside the service: by a replacement, and by a purge."""
    guid = quiet.add("width=10")
    content = quiet.service.get(f"/images/{guid}.png").content
    original, (derivative,) = quiet.service.data / "originals" / _digest_path(content), quiet.lengths()
    for path in (original, derivative):
        path.write_bytes(bytes(path.stat().st_size))

    found = quiet.service.command("verify", "--derivatives", "--rate", "1000")
    healed = quiet.service.client.put(
        f"/struct/assets/{guid}/data", files={"uploadedFile": ("a.png", content)}, headers=STRUCT
    )
    quiet.purge(assets=[guid])
    again = quiet.service.command("verify", "--derivatives")

    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        f"damaged  {original.name}: {guid} picture.png (default)",
        f"damaged  {derivative}",
    ]
    assert healed.status_code == 200, healed.text
    assert (again.returncode, again.stdout) == (0, ""), again.stderr
    assert "originals are whole, 0 are not." in again.stderr
    assert quiet.service.get(f"/images/{guid}.png").content == content


def _digest_path(content: bytes) -> str:
    digest = sha256(content).hexdigest()
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def test_another_process_purges_when_the_one_that_did_is_killed(quiet: Fronted) -> None:
    """Whichever of them it was: each is killed in turn."""
    for pid in quiet.service.servers():
        os.kill(pid, signal.SIGKILL)
        poll(lambda pid=pid: pid not in quiet.service.servers(), for_what="its end")
        poll(lambda: len(quiet.service.servers()) == 2 and is_ready(quiet.service), for_what="another one")

        receipt = poll(lambda: _ordered(quiet), for_what="a purge to be answered")

        assert receipt["done"]


def _ordered(fronted: Fronted) -> Any:
    try:
        return fronted.purge(everything=True)
    except httpx.TransportError:
        # The connection was to the one that was killed.
        return None


def test_without_a_service_it_is_done_when_there_is_one(tmp_path: Path) -> None:
    """The command says so, and hooks that were set meanwhile are told."""
    data = tmp_path / "data"
    ordered = run_command(data, "purge", "--everything")

    with listening() as varnish, serving(data, workers=1, purge_hooks=f"varnish: {varnish.url}") as service:
        poll(lambda: varnish.tags() == ["folder-root"], for_what="the purge to be carried out")

        assert service.client.get("/purge/1", headers=AUTHORIZED).json()["done"]
    assert ordered.returncode == 0, ordered.stderr
    assert ordered.stdout == "ordered  1: no service runs on this folder; it is done when one does\n"
