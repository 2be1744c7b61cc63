"""Changes made through the faces by several clients at once, and a ledger of those that were acknowledged."""

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from io import BytesIO

import httpx
from PIL import Image

from tests.servers import TOKEN, Service

BEARER = {"Authorization": f"Bearer {TOKEN}"}
STRUCT = {"Authorization": TOKEN}


@dataclass(frozen=True)
class State:
    """Of an asset. `digest` None: it is gone."""

    digest: str | None
    folder: str = "-1"


@dataclass
class Line:
    """`doubtful`: what it may be instead, since a change was sent and never answered."""

    acknowledged: State
    doubtful: State | None = None


@dataclass
class Ledger:
    """Each client has assets of its own. `changes` acknowledged so far; `told`: assets that hooks must hear of."""

    lines: dict[str, Line] = field(default_factory=dict[str, Line])
    changes: int = 0
    told: set[str] = field(default_factory=set[str])
    purges: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def lost(self, service: Service) -> list[str]:
        """Acknowledged changes that are not there. What was in doubt is settled by what is there."""
        lost: list[str] = []
        for guid, line in self.lines.items():
            found = _look(service, guid)
            if found not in (line.acknowledged, line.doubtful):
                lost.append(f"{guid}: {line}, found {found}")
            line.acknowledged, line.doubtful = found, None
        return lost


class Client:
    """Makes changes one after the other until the service is gone, or `stop` is set."""

    def __init__(self, ledger: Ledger, folders: Sequence[str], *, seed: int) -> None:
        self._ledger = ledger
        self._folders = folders
        self._random = random.Random(seed)
        self._mine: list[str] = []

    def work(self, service: Service, stop: threading.Event) -> None:
        with (
            httpx.Client(base_url=service.url, timeout=60, trust_env=False) as http,
            suppress(httpx.TransportError),
        ):
            while not stop.is_set():
                self._change(http)

    def _change(self, http: httpx.Client) -> None:
        present = [guid for guid in self._mine if self._ledger.lines[guid].acknowledged.digest is not None]
        choices = [self._upload]
        if present:
            guid = self._random.choice(present)
            some = (self._replace, self._replace, self._move, self._move, self._delete, self._purge)
            choices += [partial(change, guid) for change in some]
        self._random.choice(choices)(http)

    def _upload(self, http: httpx.Client) -> None:
        data = self._picture()
        answer = http.post("/iqmetrix/assets", files={"Filename": ("a.png", data, "image/png")}, headers=BEARER)
        if self._is_refused(answer):
            return
        guid = answer.json()["id"]
        self._mine.append(guid)
        with self._ledger.lock:
            self._ledger.lines[guid] = Line(State(sha256(data).hexdigest()))
            self._ledger.changes += 1

    def _replace(self, guid: str, http: httpx.Client) -> None:
        data = self._picture()
        send = partial(http.put, f"/struct/assets/{guid}/data", files={"uploadedFile": ("a.png", data)}, headers=STRUCT)
        self._write_down(guid, send, digest=sha256(data).hexdigest())

    def _move(self, guid: str, http: httpx.Client) -> None:
        others = [one for one in self._folders if one != self._ledger.lines[guid].acknowledged.folder]
        folder = self._random.choice(others)
        send = partial(http.put, f"/struct/assets/{guid}", json={"FolderId": folder}, headers=STRUCT)
        self._write_down(guid, send, folder=folder)

    def _delete(self, guid: str, http: httpx.Client) -> None:
        self._write_down(guid, partial(http.delete, f"/struct/assets/{guid}", headers=STRUCT), digest=None)

    def _purge(self, guid: str, http: httpx.Client) -> None:
        """No change, but what is under way when the service is killed."""
        http.get(f"/images/{guid}.webp?width=8")
        soft = self._random.random() < 0.5
        answer = http.post("/purge", json={"assets": [guid], "soft": soft}, headers=BEARER)
        if not self._is_refused(answer):
            self._ledger.purges.append(answer.json()["id"])

    def _write_down(self, guid: str, send: Callable[[], httpx.Response], **fields: str | None) -> None:
        line = self._ledger.lines[guid]
        line.doubtful = replace(line.acknowledged, **fields)
        if line.doubtful.digest is None:
            line.doubtful = State(None)
        if self._is_refused(send()):
            return
        line.acknowledged, line.doubtful = line.doubtful, None
        with self._ledger.lock:
            self._ledger.changes += 1
            self._ledger.told.add(f"asset-{guid}")

    def _is_refused(self, answer: httpx.Response) -> bool:
        """A part of the service may have died before the part that answers; nothing else is refused."""
        if answer.is_success:
            return False
        if answer.status_code != 503:
            self._ledger.refused.append(f"{answer.request.method} {answer.request.url}: {answer.text}")
        return True

    def _picture(self) -> bytes:
        """Small, and nobody else's."""
        written = BytesIO()
        Image.frombytes("RGB", (24, 16), self._random.randbytes(24 * 16 * 3)).save(written, "PNG")
        return written.getvalue()


def _look(service: Service, guid: str) -> State:
    """The bytes are the original's own, as anybody gets them."""
    described = service.get(f"/struct/assets/{guid}", authorization=TOKEN)
    picture = service.get(f"/images/{guid}.png")
    if described.status_code == picture.status_code == 404:
        return State(None)
    assert described.status_code == picture.status_code == 200, (described.text, picture.text)
    return State(sha256(picture.content).hexdigest(), described.json()["ParentId"])
