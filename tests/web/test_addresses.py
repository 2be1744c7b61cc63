"""Faces at other places: URLs in answers lead there, and requests that come there are led to the router."""

from collections.abc import Mapping

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from imgsvc.core.places import DEFAULT_PLACES, Face, Place
from imgsvc.web.addresses import Addresses, Placed

PLACES: Mapping[Face, Place] = {
    **DEFAULT_PLACES,
    Face.STRUCT: Place("api.shop.example", ""),
    Face.CDN: Place("cdn.shop.example:8080", ""),
    Face.MEDIA: Place(None, "/pictures"),
    Face.QOOLY: Place("api.shop.example", "/q"),
}


def make_request(host: str = "shop.example:8080", scheme: str = "http") -> Request:
    headers = [(b"host", host.encode())]
    return Request(
        {"type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": scheme, "headers": headers}
    )


class TestAddresses:
    def test_without_a_public_url_the_requests_own_is_taken(self) -> None:
        """Scheme, host and port as they came."""
        addresses = Addresses(base_url=None)

        assert addresses.url(make_request(), Face.IMAGES, "/images/x.png") == "http://shop.example:8080/images/x.png"
        assert addresses.url(make_request("a", "https"), Face.STRUCT, "/struct/assets/7") == "https://a/struct/assets/7"

    def test_a_public_url_goes_before_what_the_request_came_to(self) -> None:
        """With its path, where it has one."""
        addresses = Addresses(base_url="https://cdn.example/shop")

        assert addresses.url(make_request(), Face.IMAGES, "/images/x") == "https://cdn.example/shop/images/x"

    @pytest.mark.parametrize(
        ("face", "inner", "url"),
        [
            (Face.STRUCT, "/struct/assets/7", "https://api.shop.example/assets/7"),
            (Face.QOOLY, "/qooly/v1/files", "https://api.shop.example/q/v1/files"),
            (Face.CDN, "/cdn/shop/c/original/x.png", "https://cdn.shop.example:8080/shop/c/original/x.png"),
            (Face.MEDIA, "/media/s/x.png", "https://www.shop.example/pictures/media/s/x.png"),
            (Face.IMAGES, "/images/x.png", "https://www.shop.example/images/x.png"),
        ],
    )
    def test_a_face_elsewhere_is_addressed_there(self, face: Face, inner: str, url: str) -> None:
        """On its own host, by its own prefix, by the scheme of all."""
        addresses = Addresses(base_url="https://www.shop.example", places=PLACES)

        assert addresses.url(make_request(), face, inner) == url
        assert addresses.path(face, inner) == "/" + url.split("/", 3)[3]

    def test_a_picture_is_linked_by_its_own_path(self) -> None:
        """Which is what is signed, wherever the face is; other addresses are not."""
        addresses = Addresses(base_url="https://www.shop.example", places=PLACES, link=lambda path: f"{path}?of={path}")

        url = addresses.picture(make_request(), Face.CDN, "/cdn/shop/c/original/x.png")

        assert url == "https://cdn.shop.example:8080/shop/c/original/x.png?of=/cdn/shop/c/original/x.png"
        assert "of=" not in addresses.url(make_request(), Face.STRUCT, "/struct/assets/7")

    def test_the_scheme_is_that_of_the_request(self) -> None:
        """Where no public URL says another."""
        addresses = Addresses(base_url=None, places=PLACES)

        assert addresses.url(make_request(scheme="https"), Face.STRUCT, "/struct/x").startswith("https://api.")


async def _tell(scope: Scope, receive: Receive, send: Send) -> None:
    """Where the router has it."""
    told = {"path": scope["path"], "raw_path": scope["raw_path"].decode("latin-1")}
    await JSONResponse(told)(scope, receive, send)


async def get(url: str, *, host: str, app: ASGIApp = _tell) -> httpx.Response:
    transport = httpx.ASGITransport(Placed(app, PLACES))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        return await client.get(url, headers={"Host": host})


@pytest.mark.anyio
class TestPlaced:
    @pytest.mark.parametrize(
        ("host", "path", "inner"),
        [
            ("api.shop.example", "/assets/7", "/struct/assets/7"),
            ("API.Shop.Example", "/assets/7", "/struct/assets/7"),
            ("api.shop.example", "/q/v1/files", "/qooly/v1/files"),
            ("cdn.shop.example:8080", "/shop/c/original/x.png", "/cdn/shop/c/original/x.png"),
            ("shop.example", "/pictures/media/s/x.png", "/media/s/x.png"),
            ("shop.example", "/images/x.png", "/images/x.png"),
            ("shop.example", "/healthz", "/healthz"),
        ],
    )
    async def test_a_request_is_led_to_where_the_router_has_it(self, host: str, path: str, inner: str) -> None:
        """By host, in any case, and path; both spellings of the path."""
        answer = await get(path, host=host)

        assert answer.json() == {"path": inner, "raw_path": inner}

    @pytest.mark.parametrize("path", ["/struct/assets/7", "/media/s/x.png", "/cdn/shop/c/original/x.png"])
    async def test_where_a_face_was_there_is_nothing(self, path: str) -> None:
        """404, by nobody's words."""
        answer = await get(path, host="shop.example")

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_what_is_percent_encoded_is_decoded_once(self) -> None:
        """By who routes it; the raw path stays as it was sent, but for its beginning."""
        answer = await get("/shop/SKU%201%2525/original/x%3Fy.png", host="cdn.shop.example:8080")

        assert answer.json() == {
            "path": "/cdn/shop/SKU 1%25/original/x?y.png",
            "raw_path": "/cdn/shop/SKU%201%2525/original/x%3Fy.png",
        }

    async def test_the_way_it_came_is_not_changed(self) -> None:
        """Whoever stands around it sees the path as it was sent."""
        seen: list[str] = []

        async def around(scope: Scope, receive: Receive, send: Send) -> None:
            await Placed(_tell, PLACES)(scope, receive, send)
            seen.append(scope["path"])

        async with httpx.AsyncClient(transport=httpx.ASGITransport(around), base_url="http://shop.example") as client:
            await client.get("/pictures/media/s/x.png")

        assert seen == ["/pictures/media/s/x.png"]

    async def test_what_is_no_request_passes_through(self) -> None:
        """Lifespan messages have neither path nor host."""
        passed: list[Scope] = []

        async def note(scope: Scope, receive: Receive, send: Send) -> None:
            passed.append(scope)

        async def nothing(*_: object) -> None:
            """Neither receives nor sends."""

        await Placed(note, PLACES)({"type": "lifespan"}, nothing, nothing)  # pyright: ignore[reportArgumentType]

        assert passed == [{"type": "lifespan"}]
