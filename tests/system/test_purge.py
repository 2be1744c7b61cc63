"""Purges, as their callers see them: what goes, what stays, what caches in front are told."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import originals
from tests.hooks import Listening, listening
from tests.servers import TOKEN, Service, serving

KEY = "a key of webhooks"
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

    def files(self) -> set[Path]:
        """Of derivatives."""
        return set((self.service.data / "derivatives").glob("??/??/*"))

    def add(self, *, queries: tuple[str, ...] = (), folder: str | None = None, side: int = 40) -> str:
        """The GUID of an asset that was asked for by these; a picture of its own, and too small for a pyramid."""
        guid = self.service.add(originals.png(side + next(_sides), side))
        if folder is not None:
            self.move(guid, folder)
        for query in queries:
            assert self.service.get(f"/images/{guid}.webp?{query}").status_code == 200
        return guid

    def move(self, guid: str, folder: str) -> None:
        answer = self.service.client.put(
            f"/struct/assets/{guid}", json={"FolderId": folder}, headers={"Authorization": TOKEN}
        )
        assert answer.status_code == 200, answer.text

    def make_folder(self, name: str, parent: str = "root") -> str:
        answer = self.service.client.post(
            "/struct/assets/folders", json=[{"Name": name, "ParentId": parent}], headers={"Authorization": TOKEN}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()[0]["Id"])


_sides = iter(range(1, 1000))


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
    fronted.purge(tags=["folder-root"])
    for hook in (fronted.varnish, fronted.webhook):
        hook.calls.clear()
    return fronted


def test_an_assets_files_go_and_are_made_again(quiet: Fronted) -> None:
    """Of that asset alone; the receipt says how many and how long they were, and the same bytes come back."""
    guid, other = quiet.add(queries=("width=10", "width=20")), quiet.add(queries=("width=10",))
    before = quiet.service.get(f"/images/{guid}.webp?width=10").content
    files, rendered = quiet.files(), quiet.service.renders()

    receipt = quiet.purge(assets=[guid])

    gone = files - quiet.files()
    assert len(gone) == 2
    assert receipt["done"]
    assert receipt["removed"]["derivatives"] == 2
    assert (receipt["assets"], receipt["total"]) == (1, 1)
    assert receipt["tags"] == [f"asset-{guid}"]
    assert [hook["told"] for hook in receipt["hooks"]] == [True, True]
    assert quiet.service.get(f"/images/{guid}.webp?width=10").content == before
    assert quiet.service.get(f"/images/{other}.webp?width=10").status_code == 200
    assert quiet.service.renders() == rendered + 1
