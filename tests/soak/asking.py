"""A client that asks for pictures in every way there is, and judges each answer."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from random import Random
from threading import Event
from typing import NamedTuple
from urllib.parse import urlsplit
from zipfile import BadZipFile, ZipFile

import httpx

from tests.servers import TOKEN, Service
from tests.soak.pictures import Seen
from tests.soak.record import Asset, Disturbance, Record

_PAUSE = 0.01
_HOT_WIDTHS = (80, 160, 320)
_FORMATS = ("webp", "jpg", "png", "gif")
_BROWSERS = ("image/avif,image/webp,*/*", "image/webp,*/*", "*/*")
STRUCT = {"Authorization": TOKEN}


class Box(NamedTuple):
    """Sides that are asked for, in pixels."""

    width: int
    height: int


@dataclass(frozen=True)
class Asked:
    """`moment`: the last state of the asset that was acknowledged before the request was sent, at `sent`."""

    asset: Asset
    moment: int
    sent: float
    path: str


@dataclass
class Asker:
    service: Service
    record: Record
    seed: int
    http: httpx.Client = field(init=False)
    random: Random = field(init=False)
    canonical: list[tuple[Asset, Box, str]] = field(init=False, default_factory=list[tuple[Asset, Box, str]])

    def work(self, stop: Event) -> None:
        """Until `stop` is set."""
        self.random = Random(self.seed)
        ways = {
            self.hot: 12, self.unique: 4, self.original: 1, self.again: 3, self.part: 3, self.head: 2,
            self.negotiated: 3, self.redirected: 3, self.old_canonical: 3, self.preset: 2, self.archive: 0.5,
            self.described: 2, self.missing: 1,
        }  # fmt: skip
        with httpx.Client(base_url=self.service.url, timeout=60, trust_env=False) as self.http:
            while not stop.wait(self.random.random() * 2 * _PAUSE):
                (way,) = self.random.choices(list(ways), list(ways.values()))
                try:
                    way()
                except httpx.TransportError as error:
                    # Each way sends its requests one after the other, at once.
                    if not self.record.is_excused(time.monotonic() - 1, {Disturbance.SERVER}):
                        self.record.complain(f"{way.__name__}: {error!r}")
                    self.record.count("connections lost")

    def hot(self) -> None:
        asset = self.any_asset()
        width = self.random.choice(_HOT_WIDTHS)
        self.show(asset, _wide(asset, width), f"/images/{asset.guid}.webp?width={width}")

    def unique(self) -> None:
        """Nobody asks for that again."""
        asset, box = self.any_asset(), self.any_box()
        extension = self.random.choice(("bmp", "bmp", *_FORMATS))
        path = f"/media/{asset.slug}/a.{extension}?{_cut(box)}&format={extension}"
        self.show(asset, box, path)

    def original(self) -> None:
        asset = self.any_asset()
        box = Box(asset.shape.width, asset.shape.height)
        self.show(asset, box, f"/images/{asset.guid}.{asset.shape.extension}")

    def again(self) -> None:
        """With the ETag of what was answered first."""
        asset, width = self.any_asset(), self.random.choice(_HOT_WIDTHS)
        path = f"/images/{asset.guid}.webp?width={width}"
        first = self.show(asset, _wide(asset, width), path)
        if first is not None:
            self.show(asset, _wide(asset, width), path, {"If-None-Match": first.headers["etag"]})

    def part(self) -> None:
        """Equals that part of the whole, or is the whole of another version."""
        asset, box = self.any_asset(), self.any_box()
        path = f"/images/{asset.guid}.bmp?{_cut(box)}"
        whole = self.show(asset, box, path)
        if whole is None:
            return
        first, last = sorted(self.random.choices(range(len(whole.content)), k=2))
        headers = {"Range": f"bytes={first}-{last}", "If-Range": whole.headers["etag"]}
        answer = self.show(asset, box, path, headers)
        if answer is None or answer.status_code != 206:
            return
        same = answer.headers["etag"] == whole.headers["etag"]
        if not same or answer.content != whole.content[first : last + 1]:
            self.record.complain(f"{path}: bytes {first} to {last} are others")

    def head(self) -> None:
        asset, width = self.any_asset(), self.random.choice(_HOT_WIDTHS)
        path = f"/images/{asset.guid}.webp?width={width}"
        asked, answer = self.ask(asset, path, method="HEAD")
        if self.is_answered(asked, answer, {200}):
            seen = self.record.of_etag(answer.headers["etag"])
            if seen is not None:
                self.compare(asked, _wide(asset, width), seen)

    def negotiated(self) -> None:
        asset, box = self.any_asset(), Box(self.random.choice(_HOT_WIDTHS), 90)
        path = f"/media/{asset.slug}/a.jpg?{_cut(box)}&format=auto"
        self.show(asset, box, path, {"Accept": self.random.choice(_BROWSERS)})

    def redirected(self) -> None:
        """To a canonical URL, which is asked for now and later."""
        asset, box = self.any_asset(), self.any_box()
        asked, answer = self.ask(asset, f"/images/{asset.guid}?{_cut(box)}&format=webp")
        if not self.is_answered(asked, answer, {303}):
            return
        url = urlsplit(answer.headers["location"])
        self.canonical.append((asset, box, f"{url.path}?{url.query}" if url.query else url.path))
        del self.canonical[:-50]
        self.follow(*self.canonical[-1])

    def old_canonical(self) -> None:
        if self.canonical:
            self.follow(*self.random.choice(self.canonical))

    def preset(self) -> None:
        asset = self.any_asset()
        if self.random.random() < 0.5:
            self.show(asset, None, f"/cdn/default/{asset.code}/thumbnail/a.webp")
        else:
            self.show(asset, None, f"/images/{asset.guid}/preview/120/90")

    def archive(self) -> None:
        assets = self.random.sample(list(self.record.assets), 3)
        moments = [asset.acknowledged for asset in assets]
        sent = time.monotonic()
        path = "/struct/assets/batch/data?maxWidth=100&maxHeight=100&format=png"
        answer = self.http.post(path, json=[asset.guid for asset in assets], headers=STRUCT)
        asked = [Asked(asset, moment, sent, path) for asset, moment in zip(assets, moments, strict=True)]
        if answer.status_code == 404 and any(self.may_be_gone(one) for one in asked):
            return
        if not self.is_answered(asked[0], answer, {200}):
            return
        try:
            with ZipFile(BytesIO(answer.content)) as archive:
                entries = {name.rpartition(".")[0]: archive.read(name) for name in archive.namelist()}
        except BadZipFile as error:
            self.record.complain(f"a zip: {error}")
            return
        for one in asked:
            if one.asset.name in entries:
                self.compare(one, None, self.record.look_at(entries[one.asset.name], None))
            elif "errors" not in entries:
                self.record.complain(f"a zip without {one.asset.name}: {sorted(entries)}")

    def described(self) -> None:
        """By any of the faces; the folder is that where it was moved last."""
        asset = self.any_asset()
        authorized = {"Authorization": f"Bearer {TOKEN}"}
        face = self.random.choice(("struct", "iqmetrix", "quable/api", "qooly/v1"))
        id = asset.serial if face == "qooly/v1" else asset.guid
        asked, answer = self.ask(asset, f"/{face}/assets/{id}", STRUCT if face == "struct" else authorized)
        if self.is_answered(asked, answer, {200}) and face == "struct":
            folder = answer.json()["ParentId"].replace("-1", "root")
            if folder not in {state.folder for state in asset.since(asked.moment) if state.colour is not None}:
                self.record.complain(f"{asked.path}: in {folder}, {asset.since(asked.moment)}")

    def missing(self) -> None:
        """What was deleted stays so."""
        if self.record.gone:
            asset = self.random.choice(self.record.gone)
            self.show(asset, None, f"/images/{asset.guid}.webp?width={self.random.choice(_HOT_WIDTHS)}")

    def any_asset(self) -> Asset:
        """The first ones most often."""
        assets = list(self.record.assets)
        return assets[int(len(assets) * self.random.random() ** 2)]

    def any_box(self) -> Box:
        return Box(self.random.randint(20, 420), self.random.randint(20, 420))

    def follow(self, asset: Asset, box: Box, path: str) -> None:
        """Through redirects, of which another may come while the asset changes."""
        for _ in range(5):
            asked, answer = self.ask(asset, path)
            if not self.is_answered(asked, answer, {200, 303}):
                return
            if answer.status_code == 200:
                self.judge(asked, answer, box)
                return
            path = urlsplit(answer.headers["location"]).path
        self.record.complain(f"{path}: redirects lead nowhere")

    def show(
        self, asset: Asset, box: Box | None, path: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response | None:
        """The answer, where it is a whole picture or a part of one."""
        asked, answer = self.ask(asset, path, headers)
        wanted = {200} | ({304} if headers and "If-None-Match" in headers else set())
        wanted |= {206} if headers and "Range" in headers else set()
        if not self.is_answered(asked, answer, wanted):
            return None
        if answer.status_code == 200:
            self.judge(asked, answer, box)
        else:
            seen = self.record.of_etag(answer.headers["etag"])
            self.compare(asked, box, seen)
        return None if answer.status_code == 304 else answer

    def ask(
        self, asset: Asset, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> tuple[Asked, httpx.Response]:
        asked = Asked(asset, asset.acknowledged, time.monotonic(), path)
        return asked, self.http.request(method, path, headers=headers)

    def is_answered(self, asked: Asked, answer: httpx.Response, wanted: set[int]) -> bool:
        """With one of these; else it is excused, or wrong."""
        self.record.count("requests")
        self.record.count(f"status {answer.status_code}")
        if answer.status_code in wanted:
            if all(state.colour is None for state in asked.asset.since(asked.moment)):
                self.record.complain(f"{asked.path}: {answer.status_code} of what was deleted")
            return True
        broker = {Disturbance.BROKER}
        unavailable = answer.status_code == 503 and "retry-after" in answer.headers
        set_aside = answer.status_code == 422 and "set aside" in answer.text
        excused = (
            (answer.status_code == 404 and self.may_be_gone(asked))
            or (unavailable and self.record.is_excused(asked.sent, broker))
            or (set_aside and self.record.is_excused(asked.sent, {Disturbance.WORKER}))
        )
        if not excused:
            said = answer.text[:300]
            self.record.complain(f"{asked.path}: {answer.status_code}, not {wanted}, {dict(answer.headers)} {said}")
        return False

    def may_be_gone(self, asked: Asked) -> bool:
        return any(state.colour is None for state in asked.asset.since(asked.moment))

    def judge(self, asked: Asked, answer: httpx.Response, box: Box | None) -> None:
        seen = self.record.look_at(answer.content, answer.headers["etag"])
        self.compare(asked, box, seen)
        tags = answer.headers.get("surrogate-key", "").split()
        folders = {f"folder-{state.folder}" for state in asked.asset.since(asked.moment)}
        if f"asset-{asked.asset.guid}" not in tags or not folders & set(tags):
            self.record.complain(f"{asked.path}: tags {tags}, folders {folders}")

    def compare(self, asked: Asked, box: Box | None, seen: Seen | None) -> None:
        if seen is None:
            self.record.complain(f"{asked.path}: no picture, or none that was seen before")
            return
        states = asked.asset.since(asked.moment)
        if seen.colour not in {state.colour for state in states if state.colour is not None}:
            self.record.count("stale")
            before = [state.colour for state in asked.asset.states[: asked.moment]][-5:]
            self.record.complain(f"{asked.path}: shows {seen}, may be {states}, was {before}")
        if box is not None and (seen.width, seen.height) != box:
            self.record.complain(f"{asked.path}: {seen}, {box} was asked for")


def _wide(asset: Asset, width: int) -> Box:
    """The height follows the ratio, rounded half up."""
    return Box(width, (2 * width * asset.shape.height + asset.shape.width) // (2 * asset.shape.width))


def _cut(box: Box) -> str:
    return f"width={box.width}&height={box.height}&mode=crop"
