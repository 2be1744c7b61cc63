"""Faces at places of their own, over HTTP: each answers there and nowhere else, and its URLs lead there."""

from collections.abc import Generator
from typing import Any

import httpx
import pytest

from tests import originals
from tests.servers import TOKEN, Service, serving

BEARER = {"Authorization": f"Bearer {TOKEN}"}
API, CDN = "api.shop.example", "cdn.shop.example"


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    places = f"iqmetrix: {API}; cdn: {CDN}; media: /pictures"
    with serving(tmp_path_factory.mktemp("placed") / "data", workers=1, places=places) as service:
        yield service


@pytest.fixture(scope="module")
def shape(placed: Service) -> dict[str, Any]:
    """Of an upload at the API's own host."""
    return upload(placed, originals.png(), "Red Shirt.png")


def upload(service: Service, data: bytes, name: str) -> dict[str, Any]:
    answer = service.client.post("/assets", files={"Filename": (name, data)}, headers={**BEARER, "Host": API})
    assert answer.status_code == 201, answer.text
    return answer.json()


def status(service: Service, path: str, host: str) -> int:
    return service.get(path, host=host).status_code


def assert_nothing_there(answer: httpx.Response) -> None:
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_api_has_a_host_of_its_own(placed: Service, shape: dict[str, Any]) -> None:
    """By the vendor's own paths; elsewhere, and by the path it has without a setting, there is nothing."""
    path = f"/assets/{shape['id']}"

    assert placed.get(path, host=API).json()["id"] == shape["id"]
    assert placed.get(path, host="API.Shop.Example").status_code == 200
    assert_nothing_there(placed.get(path, host="shop.example"))
    for host in (API, "shop.example"):
        assert_nothing_there(placed.get(f"/iqmetrix{path}", host=host))


def test_a_dialect_has_a_prefix_of_its_own(placed: Service, shape: dict[str, Any]) -> None:
    """On every host; where it was there is nothing."""
    media = placed.media_path(shape["id"])

    for host in ("shop.example", API):
        assert placed.get(f"/pictures{media}?width=10", host=host).status_code == 200
        assert_nothing_there(placed.get(f"{media}?width=10", host=host))


def test_pictures_have_a_host_of_their_own(placed: Service, shape: dict[str, Any]) -> None:
    """Which takes every path."""
    path = f"/default/{shape['id']}/original/shirt.png"

    assert placed.get(path, host=CDN).content == originals.png()
    assert_nothing_there(placed.get(f"/cdn{path}", host=CDN))
    assert_nothing_there(placed.get(f"/cdn{path}", host="shop.example"))
    assert_nothing_there(placed.get(path, host="shop.example"))
    assert_nothing_there(placed.get("/healthz", host=CDN))


def test_what_was_not_moved_is_where_it_was(placed: Service, shape: dict[str, Any]) -> None:
    """On every host that is nobody's own for all paths."""
    for host in ("shop.example", API):
        assert status(placed, f"/images/{shape['id']}.png?width=10", host) == 200
        assert status(placed, "/healthz", host) == 200


def test_urls_in_answers_lead_to_where_a_face_is(placed: Service, shape: dict[str, Any]) -> None:
    """A picture's on the host that was asked, which is not the dialect's own; a file's by its prefix."""
    assert shape["href"] == f"http://{API}/images/{shape['id']}.png"

    other = upload(placed, originals.pdf(), "chart.pdf")

    path = other["href"].removeprefix(f"http://{API}")
    assert path.startswith("/pictures/media/")
    assert placed.get(path, host=API).content == originals.pdf()


def test_answers_that_are_prepared_keep_to_their_places(placed: Service, shape: dict[str, Any]) -> None:
    """What one host was answered twice is not there on another by the same path, nor one host's for another's."""
    guid = shape["id"]
    here, there = f"/default/{guid}/9x/a.png", f"/images/{guid}.png?width=9"
    first = [placed.get(path, host=host).content for path, host in ((here, CDN), (there, "shop.example")) * 2]

    assert_nothing_there(placed.get(here, host="shop.example"))
    assert_nothing_there(placed.get(f"/cdn{here}", host="shop.example"))
    assert [placed.get(path, host=host).content for path, host in ((here, CDN), (there, "shop.example"))] == first[:2]


def test_failures_are_told_in_a_faces_own_words(placed: Service) -> None:
    """Wherever it is; also where nothing below it is meant."""
    missing = placed.get("/assets/00000000-0000-4000-8000-000000000000", host=API)
    method = placed.client.delete("/assets", headers={"Host": API})

    assert missing.json()["detail"] == "Asset Media Service Error: Resource not found"
    assert method.status_code == 405


@pytest.mark.parametrize("path", ["/assets/", "/assets/x/", "/pictures/media/wuqj0ouk/x.png/"])
def test_no_redirect_tells_an_address_that_is_not_there(placed: Service, path: str) -> None:
    """A slash too much is a path that nobody has."""
    assert_nothing_there(placed.get(path, host=API))
