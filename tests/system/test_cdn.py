"""Quable's CDN URLs over HTTP: the original byte for byte, renditions by preset, format and size, and files."""

from urllib.parse import quote

import pytest

from tests import originals
from tests.originals import decode
from tests.servers import Service

ORIGINAL = originals.jpeg(2000, 1000)


@pytest.fixture(scope="session")
def picture(shared_service: Service) -> str:
    """Its path below `/cdn`: 2000 x 1000 px, JPEG, in the instance of the operator, by its GUID as its code."""
    return f"/cdn/default/{shared_service.add(ORIGINAL, 'Red Shirt.JPG')}"


@pytest.fixture(scope="session")
def pdf(shared_service: Service) -> str:
    return shared_service.add(originals.pdf(), "Size Chart.PDF")


@pytest.fixture(scope="session")
def unknown(shared_service: Service) -> str:
    """Of a kind that would run, were it shown."""
    return shared_service.add(b"<html><script>alert(1)</script></html>", "page.html")


def sides(answer_content: bytes) -> tuple[int, int]:
    image = decode(answer_content)
    return image.width, image.height


class TestPictures:
    @pytest.mark.parametrize("name", ["Red%20Shirt.JPG", "anything", "red-shirt.png"])
    def test_the_original_is_byte_for_byte_what_came(self, service: Service, picture: str, name: str) -> None:
        """Whatever it is called there."""
        answer = service.get(f"{picture}/original/{name}")

        assert answer.status_code == 200
        assert answer.content == ORIGINAL
        assert answer.headers["content-type"] == "image/jpeg"

    @pytest.mark.parametrize(
        ("preset", "size"),
        [
            ("system-thumbnail", (320, 160)),
            ("thumbnail", (320, 160)),
            ("system-preview", (1280, 640)),
            ("preview", (1280, 640)),
            ("600x600", (600, 300)),
            ("300x100", (200, 100)),
            ("500x", (500, 250)),
            ("x50", (100, 50)),
            ("9000x", (2000, 1000)),
            ("System-Thumbnail", (320, 160)),
        ],
    )
    def test_a_preset_is_a_size(self, service: Service, picture: str, preset: str, size: tuple[int, int]) -> None:
        """It fits inside and is not enlarged."""
        answer = service.get(f"{picture}/{preset}/red-shirt-jpg.jpg")

        assert answer.status_code == 200
        assert sides(answer.content) == size

    @pytest.mark.parametrize(
        ("extension", "media_type"),
        [
            ("jpg", "image/jpeg"),
            ("PNG", "image/png"),
            ("webp", "image/webp"),
            ("avif", "image/avif"),
            ("gif", "image/gif"),
        ],
    )
    def test_the_extension_is_the_format(self, service: Service, picture: str, extension: str, media_type: str) -> None:
        answer = service.get(f"{picture}/90x/any-name.{extension}")

        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        assert sides(answer.content) == (90, 45)

    def test_equivalent_urls_share_a_derivative(self, service: Service, picture: str) -> None:
        """Another dialect's, too: the plan is the key."""
        guid = picture.rpartition("/")[2]

        etags = {
            service.get(path).headers["etag"]
            for path in (f"{picture}/91x/a.jpg", f"{picture}/91x/b.jpeg?width=5", f"/images/{guid}.jpg?maxWidth=91")
        }

        assert len(etags) == 1

    @pytest.mark.parametrize(
        "path",
        [
            "/nobody/a.jpg",
            "/0x0/a.jpg",
            "/Original/a.jpg",
            "/thumbnail/a.svg",
            "/thumbnail/a.pdf",
            "/thumbnail/jpg",
            "/thumbnail",
            "/thumbnail/",
            "",
            "/",
            "/thumbnail/a/b.jpg",
        ],
    )
    def test_what_is_no_rendition_is_not_found(self, service: Service, picture: str, path: str) -> None:
        """An unknown preset, an extension that nothing is written as, another depth."""
        answer = service.get(picture + path)

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"

    def test_what_is_not_there_is_not_found(self, service: Service, picture: str) -> None:
        """By another code, in another instance, by an id of another kind."""
        guid = picture.rpartition("/")[2]
        slug = service.media_path(guid).split("/")[2]

        for path in (
            "/cdn/default/nobody",
            f"/cdn/press/{guid}",
            f"/cdn/default/{slug}",
            f"/cdn/default/{guid.upper()}",
        ):
            assert service.get(f"{path}/original/a.jpg").status_code == 404

    def test_a_rendition_can_be_downloaded(self, service: Service, picture: str) -> None:
        """Under the asset's name with the extension of what is sent."""
        headers = [
            service.get(f"{picture}/{path}?download=1").headers["content-disposition"]
            for path in ("90x/a.png", "original/a.jpg")
        ]

        assert headers == ['attachment; filename="red-shirt.png"', 'attachment; filename="red-shirt.jpg"']

    def test_it_is_asked_again_whether_it_holds(self, service: Service, picture: str) -> None:
        """The URL says the asset, not the bytes."""
        answer = service.get(f"{picture}/90x/a.jpg")

        again = service.get(f"{picture}/90x/a.jpg", if_none_match=answer.headers["etag"])

        assert answer.headers["cache-control"] == "public, max-age=300, must-revalidate"
        assert again.status_code == 304


class TestFiles:
    """What is no picture, by the dialects that show it."""

    def paths(self, service: Service, guid: str) -> list[str]:
        return [f"/cdn/default/{guid}/original/{quote('any name')}", service.media_path(guid)]

    def test_a_known_type_is_shown(self, service: Service, pdf: str) -> None:
        """As what it is, never as what a browser might take it for."""
        for path in self.paths(service, pdf):
            answer = service.get(path)

            assert answer.content == originals.pdf()
            assert answer.headers["content-type"] == "application/pdf"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "content-disposition" not in answer.headers

    def test_an_unknown_type_is_saved(self, service: Service, unknown: str) -> None:
        """Nothing in it runs in our name."""
        for path in self.paths(service, unknown):
            answer = service.get(path)

            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-disposition"] == 'attachment; filename="page.html"'

    def test_a_file_is_saved_where_that_is_asked_for(self, service: Service, pdf: str) -> None:
        for path in self.paths(service, pdf):
            answer = service.get(f"{path}?download=true")

            assert answer.headers["content-disposition"] == 'attachment; filename="size-chart.pdf"'

    def test_a_part_of_it_can_be_asked_for(self, service: Service, pdf: str) -> None:
        """As players and readers of long documents do."""
        for path in self.paths(service, pdf):
            answer = service.get(path, range="bytes=1-3")

            assert (answer.status_code, answer.content) == (206, originals.pdf()[1:4])
            assert answer.headers["content-range"] == f"bytes 1-3/{len(originals.pdf())}"
            assert answer.headers["content-type"] == "application/pdf"

    def test_it_is_asked_again_whether_it_holds(self, service: Service, pdf: str) -> None:
        path = self.paths(service, pdf)[0]
        answer = service.get(path)

        assert service.get(path, if_none_match=answer.headers["etag"]).status_code == 304
        assert service.client.head(path).headers["content-length"] == str(len(originals.pdf()))

    def test_nothing_is_drawn_of_it(self, service: Service, pdf: str) -> None:
        """422: it is no picture."""
        for path in (f"/cdn/default/{pdf}/thumbnail/a.jpg", f"{service.media_path(pdf)}?width=10"):
            assert service.get(path).status_code == 422

    def test_a_long_one_is_streamed(self, service: Service) -> None:
        """Byte for byte, the whole and a part."""
        data = bytes(range(256)) * 12_000
        path = self.paths(service, service.add(data, "film.mp4"))[0]

        assert service.get(path).content == data
        assert service.get(path, range="bytes=1048570-1048590").content == data[1048570:1048591]
