"""A client that changes what is its own through the four APIs, and purges."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from random import Random
from threading import Event

import httpx

from tests.servers import TOKEN, Service
from tests.soak.asking import STRUCT
from tests.soak.pictures import COLOURS, SHAPES, Shape, draw, see
from tests.soak.record import Asset, Disturbance, Record, State

BEARER = {"Authorization": f"Bearer {TOKEN}"}
_PAUSE = 0.2

Send = Callable[[], httpx.Response]


@dataclass
class Changer:
    """Of assets that nobody else changes."""

    service: Service
    record: Record
    folders: list[str]
    seed: int
    http: httpx.Client = field(init=False)
    random: Random = field(init=False)
    mine: list[Asset] = field(init=False, default_factory=list[Asset])

    def prepare(self, count: int) -> None:
        """So many assets of its own."""
        self.random = Random(self.seed)
        with self._client() as self.http:
            while len(self.mine) < count:
                self.upload()

    def work(self, stop: Event) -> None:
        """Until `stop` is set."""
        ways = {
            self.replace: 10, self.move: 3, self.rename: 1, self.change_deleted: 2, self.purge: 4, self.command: 0.1,
        }  # fmt: skip
        with self._client() as self.http:
            while not stop.wait(self.random.random() * 2 * _PAUSE):
                (way,) = self.random.choices(list(ways), list(ways.values()))
                try:
                    way()
                except httpx.TransportError as error:
                    if not self.record.is_excused(time.monotonic() - 1, {Disturbance.SERVER}):
                        self.record.complain(f"{way.__name__}: {error!r}")
                    self.record.count("connections lost")

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.service.url, timeout=60, trust_env=False)

    def upload(self) -> None:
        """By each of the faces that take files; one shows the original of another asset."""
        number = self.record.next_number()
        shape, colour, code = SHAPES[number % len(SHAPES)], number * 7 % COLOURS, f"soak{number}"
        named = (f"{code}.{shape.extension}", draw(shape, colour))
        sends: list[Send] = [
            partial(self.http.post, "/iqmetrix/assets", files={"Filename": named}, headers=BEARER),
            partial(self.http.post, "/struct/assets?folderId=root", files={"uploadedFile": named}, headers=STRUCT),
            partial(self.http.post, "/qooly/v1/assets", files={"file": named}, headers=BEARER),
            lambda: self._with_file(named, lambda file: self._put_quable("POST", "", {"id": code, "file": file})),
        ]
        answer = sends[number % len(sends)]()
        if self._is_done(answer):
            self._enter(code, shape, State(colour))

    def replace(self) -> None:
        asset = self.random.choice(self.mine)
        colour = (self.record.next_number() * 7) % COLOURS
        named = (f"{asset.name}.{asset.shape.extension}", draw(asset.shape, colour))
        sends: list[Send] = [
            partial(self.http.put, f"/struct/assets/{asset.guid}/data", files={"uploadedFile": named}, headers=STRUCT),
            partial(self.http.put, f"/qooly/v1/assets/{asset.serial}", files={"file": named}, headers=BEARER),
            lambda: self._with_file(named, lambda file: self._put_quable("PUT", f"/{asset.code}", {"file": file})),
        ]
        self._change(asset, asset.last._replace(colour=colour), self.random.choice(sends))

    def command(self) -> None:
        """`imgsvc replace`, beside the service."""
        asset, colour = self.random.choice(self.mine), (self.record.next_number() * 7) % COLOURS
        file = self.service.data.with_name(f"{asset.name}.{asset.shape.extension}")
        file.write_bytes(draw(asset.shape, colour))
        if asset.is_in_doubt:
            return
        asset.states.append(asset.last._replace(colour=colour))
        done = self.service.command("replace", asset.guid, str(file))
        if done.returncode == 0:
            self._acknowledge(asset)
        else:
            self.record.complain(f"imgsvc replace: {done.stderr}")

    def move(self) -> None:
        asset, folder = self.random.choice(self.mine), self.random.choice(self.folders)
        body = {asset.guid: {"FolderId": folder}}
        self._change(
            asset,
            asset.last._replace(folder=folder),
            lambda: self.http.put("/struct/assets", json=body, headers=STRUCT),
        )

    def rename(self) -> None:
        """To what it is called already, so that archives are not at a loss."""
        asset = self.random.choice(self.mine)
        body = {"description": f"the {self.record.next_number()}th"}
        path = f"/qooly/v1/assets/{asset.serial}"
        self._change(asset, asset.last, lambda: self.http.put(path, json=body, headers=BEARER))

    def change_deleted(self) -> None:
        """One less, and another in its place."""
        asset = self.random.choice(self.mine)
        path = self.random.choice(
            (f"/struct/assets/{asset.guid}", f"/quable/api/assets/{asset.code}", f"/qooly/v1/assets/{asset.serial}")
        )
        headers = STRUCT if path.startswith("/struct") else BEARER
        self._change(asset, State(None), lambda: self.http.delete(path, headers=headers))
        self._make_up_for(asset)

    def _make_up_for(self, asset: Asset) -> None:
        """For one that was deleted."""
        if asset.last.colour is None:
            self.mine.remove(asset)
            self.upload()
            self.record.assets.remove(asset)
            self.record.gone.append(asset)

    def purge(self) -> None:
        asset, sent = self.random.choice(self.mine), time.monotonic()
        what = self.random.choices(
            (
                {"assets": [asset.guid]},
                {"presets": ["thumbnail"]},
                {"folders": [self.folders[1]]},
                {"everything": True},
            ),
            (6, 2, 2, 0.5),
        )[0]
        answer = self.http.post("/purge", json={**what, "soft": self.random.random() < 0.5}, headers=BEARER)
        self.record.count(f"purges, status {answer.status_code}")
        disturbed = {Disturbance.BROKER, Disturbance.CACHE}
        if answer.status_code not in (200, 202, 404) and not self.record.is_excused(sent, disturbed):
            self.record.complain(f"POST /purge {what}: {answer.status_code} {answer.text[:300]}")

    def _with_file(self, named: tuple[str, bytes], then: Callable[[dict[str, str]], httpx.Response]) -> httpx.Response:
        answer = self.http.post("/quable/api/files", files={"file": named}, headers=BEARER)
        return then({"id": answer.json()["id"]}) if answer.is_success else answer

    def _put_quable(self, method: str, path: str, body: object) -> httpx.Response:
        return self.http.request(method, f"/quable/api/assets{path}", json=body, headers=BEARER)

    def _change(self, asset: Asset, state: State, send: Send) -> None:
        """From when it is sent it may show; from when it is answered it has to."""
        if asset.is_in_doubt:
            self._settle(asset)
            return
        asset.states.append(state)
        answer = send()
        if self._is_done(answer):
            self._acknowledge(asset)

    def _settle(self, asset: Asset) -> None:
        """A change was sent and not answered for: whether it was made is what is there."""
        described = self.http.get(f"/struct/assets/{asset.guid}", headers=STRUCT)
        picture = self.http.get(f"/images/{asset.guid}.{asset.shape.extension}")
        if described.status_code == picture.status_code == 404:
            found = State(None)
        elif described.status_code == picture.status_code == 200:
            found = State(see(picture.content).colour, described.json()["ParentId"].replace("-1", "root"))
        else:
            return
        if found not in asset.since(asset.acknowledged):
            self.record.complain(f"{asset.guid} became {found}, should be one of {asset.since(asset.acknowledged)}")
        asset.states.append(found)
        self._acknowledge(asset)
        self._make_up_for(asset)

    def _acknowledge(self, asset: Asset) -> None:
        asset.acknowledged = len(asset.states) - 1
        self.record.count("changes")

    def _is_done(self, answer: httpx.Response) -> bool:
        if answer.is_success:
            return True
        request = answer.request
        unavailable = answer.status_code == 503 and "retry-after" in answer.headers
        disturbed = {Disturbance.BROKER, Disturbance.WORKER, Disturbance.CACHE}
        if not unavailable or not self.record.is_excused(time.monotonic() - answer.elapsed.total_seconds(), disturbed):
            self.record.complain(f"{request.method} {request.url}: {answer.status_code} {answer.text[:300]}")
        self.record.count("changes refused")
        return False

    def _enter(self, name: str, shape: Shape, state: State) -> None:
        """Its ids are looked up by its name, which no other has."""
        with closing(sqlite3.connect(self.service.data / "catalog.sqlite")) as catalog:
            row = catalog.execute(
                "SELECT id, serial, slug, code FROM assets WHERE name IN (?, ?)", (name, f"{name}.{shape.extension}")
            ).fetchone()
        guid, serial, slug, code = row
        asset = Asset(guid, str(serial), slug, code, name, shape, [state])
        self.mine.append(asset)
        self.record.assets.append(asset)
        self.record.count("changes")
