"""What comes out over HTTP, decoded: sizes to the pixel, where the picture lies, and what of a file goes out."""

import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import pyvips

from tests import originals
from tests.originals import BLUE, GREEN, RED, YELLOW, Colour, close_to, decode, decode_frames, pixel
from tests.servers import Service, serving

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


class Picture(NamedTuple):
    """Where the picture lies in the answer, px; everything else is bars."""

    left: int
    top: int
    width: int
    height: int


class Golden(NamedTuple):
    """`seam`: the x where red meets green, where a cut moves it away from the picture's middle; `level` likewise y."""

    query: str
    size: tuple[int, int]
    picture: Picture | None = None
    seam: int | None = None
    level: int | None = None
    bars: Colour = WHITE


LANDSCAPE = (
    Golden("width=300", (300, 200)),
    Golden("height=200", (300, 200)),
    Golden("width=300&height=300", (300, 300), Picture(0, 50, 300, 200)),
    Golden("width=300&height=300&anchor=top", (300, 300), Picture(0, 0, 300, 200)),
    Golden("width=300&height=300&mode=crop", (300, 300)),
    Golden("width=300&height=300&mode=crop&anchor=left", (300, 300), seam=225),
    Golden("width=300&height=300&mode=max", (300, 200)),
    Golden("width=300&height=300&mode=min", (450, 300)),
    Golden("width=300&height=300&mode=stretch", (300, 300)),
    Golden("width=800&height=800", (800, 800), Picture(0, 133, 800, 533)),
    Golden("width=800&height=800&mode=boxpad", (800, 800), Picture(100, 200, 600, 400)),
    Golden("width=800&height=300&mode=boxpad", (800, 300), Picture(175, 0, 450, 300)),
    Golden("width=800&height=800&mode=max", (800, 533)),
    Golden("width=1200", (1200, 800)),
    Golden("width=800&height=800&upscale=false", (600, 400)),
    Golden("width=6000", (600, 400)),
    Golden("maxWidth=300&maxHeight=300", (300, 200)),
    Golden("maxWidth=300&maxHeight=300&bgcolor=black", (300, 300), Picture(0, 50, 300, 200), bars=BLACK),
    Golden("maxWidth=900", (600, 400)),
)

PORTRAIT = (
    Golden("width=100&height=100", (100, 100), Picture(29, 0, 43, 100)),
    Golden("width=100", (100, 233)),
    Golden("width=100&height=100&mode=crop&anchor=bottom", (100, 100), level=-17),
)


@pytest.fixture(scope="session")
def landscape(shared_service: Service) -> str:
    return shared_service.add(originals.png(600, 400))


@pytest.fixture(scope="session")
def portrait(shared_service: Service) -> str:
    return shared_service.add(originals.png(333, 777))


@pytest.fixture(scope="session")
def gps(shared_service: Service) -> str:
    return shared_service.add(originals.jpeg_with_gps(), "place.jpg")


@pytest.fixture(scope="module")
def stripping(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    with serving(tmp_path_factory.mktemp("stripping") / "data", workers=1, strip_originals="true") as service:
        yield service


@pytest.fixture(scope="module")
def stripped(stripping: Service) -> str:
    return stripping.add(originals.jpeg_with_gps(), "place.jpg")


@pytest.mark.parametrize("golden", LANDSCAPE, ids=lambda golden: golden.query)
def test_a_landscape_comes_out_at_the_size_asked_for(service: Service, landscape: str, golden: Golden) -> None:
    """Struct's words mean what Struct documents, to the pixel."""
    answer = service.get(f"{service.media_path(landscape)}?{golden.query}")

    assert_shows(answer, golden)


@pytest.mark.parametrize("golden", PORTRAIT, ids=lambda golden: golden.query)
def test_a_portrait_comes_out_at_the_size_asked_for(service: Service, portrait: str, golden: Golden) -> None:
    """Sides that do not divide evenly are rounded half up, the picture's place among them."""
    answer = service.get(f"{service.media_path(portrait)}?{golden.query}")

    assert_shows(answer, golden)


def test_both_dialects_give_the_same_bytes(service: Service, landscape: str) -> None:
    """The words behind the question mark mean the same in iQmetrix' image URLs."""
    query = "width=120&height=120&mode=crop"

    of_struct = service.get(f"{service.media_path(landscape)}?{query}")
    of_iqmetrix = service.get(f"/images/{landscape}.png?{query}")

    assert of_iqmetrix.content == of_struct.content
    assert of_iqmetrix.headers["etag"] == of_struct.headers["etag"]


@pytest.mark.parametrize("query", ["", "?", "?utm_source=mail&_=1", "?v=7"])
def test_an_original_is_untouched_where_nothing_is_asked_of_it(service: Service, landscape: str, query: str) -> None:
    """Byte for byte: words that are not known ask for nothing."""
    answer = service.get(f"{service.media_path(landscape)}{query}")

    assert answer.status_code == 200
    assert answer.content == originals.png(600, 400)


def test_an_original_larger_than_any_buffer_is_untouched(service: Service) -> None:
    """A streamed original, too, goes out byte for byte."""
    data = originals.bmp(1200, 900)
    guid = service.add(data, "large.bmp")

    answer = service.get(f"/images/{guid}.bmp")

    assert answer.content == data


def test_a_drawing_is_drawn_at_the_size_asked_for(service: Service) -> None:
    """Vector graphics are not enlarged pixels: the colours meet without a blur between."""
    guid = service.add(originals.svg(100, 50), "drawing.svg")

    image = decode(service.get(f"/images/{guid}.png?width=1000").content)

    assert (image.width, image.height) == (1000, 500)
    assert close_to(pixel(image, 498, 100)[:3], RED, 2)
    assert close_to(pixel(image, 502, 100)[:3], GREEN, 2)


def test_a_drawing_itself_may_not_run_anything(service: Service) -> None:
    """The original is served under a policy that forbids scripts, and is not to be taken for another type."""
    data = originals.svg_with_script()
    guid = service.add(data, "drawing.svg")

    answer = service.get(f"/images/{guid}.svg")

    assert answer.content == data
    assert answer.headers["content-type"] == "image/svg+xml"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "img-src data:", "font-src data:", "sandbox"} <= set(policy)
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", ["width=1", "crop=3,3,1,1", "width=1&format=png", "width=1&height=1&mode=crop"])
@pytest.mark.parametrize("draw", [originals.jpeg, originals.png])
def test_a_grey_picture_may_become_a_single_pixel(service: Service, draw: Callable[..., bytes], query: str) -> None:
    """pyvips' arrays of those are no arrays."""
    guid = service.add(draw(40, 30, grey=True))

    answer = service.get(f"{service.media_path(guid)}?{query}")

    assert answer.status_code == 200, answer.text
    picture = decode(answer.content)
    assert (picture.width, picture.height) == (1, 1)


def test_a_single_grey_pixel_is_a_picture(service: Service) -> None:
    guid = service.add(pyvips.Image.black(1, 1).copy(interpretation="b-w").pngsave_buffer())

    answers = [service.get(f"/images/{guid}.{extension}") for extension in ("jpg", "webp", "jpg")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_an_animation_stays_one(service: Service) -> None:
    """Every frame of a GIF is in the WebP made of it, in order, at the size asked for."""
    guid = service.add(originals.gif(frames=3), "film.gif")

    frames = decode_frames(service.get(f"/images/{guid}.webp?width=200").content)

    assert [(frame.width, frame.height) for frame in frames] == [(200, 150)] * 3
    for number, frame in enumerate(frames):
        shown = [colour[:3] for colour in originals.corners(frame)]
        assert all(map(close_to, shown, originals.frame_colours(number), [30] * 4)), (number, shown)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_comes_out_upright(service: Service, orientation: int) -> None:
    """EXIF orientation is applied to pixels and to sides alike."""
    guid = service.add(originals.orientation_jpeg(orientation), "turned.jpg")

    image = decode(service.get(f"/images/{guid}.png?width=200").content)

    assert (image.width, image.height) == (200, 150)
    assert all(map(close_to, originals.corners(image), originals.COLOURS, [16] * 4))


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "avif", "tif"])
def test_no_rendition_tells_where_it_was_taken(service: Service, gps: str, extension: str) -> None:
    """EXIF, and with it the place, stays behind by default."""
    answer = service.get(f"/images/{gps}.{extension}?width=100")

    assert answer.status_code == 200
    assert not originals.has_gps(answer.content)
    assert originals.PHOTOGRAPHER.encode() not in answer.content


def test_the_untouched_original_tells_where_it_was_taken(service: Service, gps: str) -> None:
    """What was put in comes out, unless the operator decides otherwise."""
    answer = service.get(f"/images/{gps}.jpg")

    assert originals.has_gps(answer.content)


def test_metadata_is_kept_where_it_is_asked_for(service: Service, gps: str) -> None:
    """`metadata=keep`, with the orientation tag set right for the pixels."""
    answer = service.get(f"/images/{gps}.jpg?width=100&metadata=keep")

    assert originals.has_gps(answer.content)


@pytest.mark.parametrize("path", ["/images/{}.jpg", "/images/{}.jpeg", "{media}"])
def test_not_even_the_original_tells_where(stripping: Service, stripped: str, path: str) -> None:
    """IMGSVC_STRIP_ORIGINALS: its pixels are those that were put in; the place is not."""
    data = originals.jpeg_with_gps()

    answer = stripping.get(path.format(stripped, media=stripping.media_path(stripped)))

    assert answer.status_code == 200
    assert originals.has_gps(data)
    assert not originals.has_exif(answer.content)
    assert decode(answer.content).write_to_memory() == decode(data).write_to_memory()


def test_asking_for_metadata_is_forbidden(stripping: Service, stripped: str) -> None:
    """403, for renditions as for the original's own size."""
    answers = [stripping.get(f"/images/{stripped}.jpg?{query}") for query in ("metadata=keep", "width=9&metadata=keep")]

    assert [answer.status_code for answer in answers] == [403, 403]


@pytest.mark.parametrize(
    ("data", "name"),
    [(originals.tiff(), "a.tif"), (originals.gif(frames=2), "a.gif"), (originals.bmp(), "a.bmp")],
    ids=["tiff", "gif", "bmp"],
)
def test_originals_that_cannot_be_stripped_are_made_anew(stripping: Service, data: bytes, name: str) -> None:
    """In their own format and size."""
    guid = stripping.add(data, name)

    answer = stripping.get(f"/images/{guid}.{name.rpartition('.')[2]}")

    shown = decode(answer.content)
    assert (shown.width, shown.height) == (400, 300)
    assert all(map(close_to, (one[:3] for one in originals.corners(shown)), originals.COLOURS))


def test_curl_gets_a_picture_that_a_stranger_can_open(
    service: Service, landscape: str, tmp_path: Path, curl: str
) -> None:
    """As people do it by hand: one command, one file."""
    saved = tmp_path / "saved.webp"
    url = f"{service.url}/images/{landscape}.webp?width=90"

    subprocess.run([curl, "--silent", "--fail", "--output", saved, url], check=True, timeout=60)

    assert (decode(saved.read_bytes()).width, decode(saved.read_bytes()).height) == (90, 60)


def assert_shows(answer: httpx.Response, golden: Golden) -> None:
    """The size, the bars to the pixel, and the four colours inside the picture's edges."""
    assert answer.status_code == 200, answer.text
    image = decode(answer.content)
    assert (image.width, image.height) == golden.size
    left, top, width, height = golden.picture or Picture(0, 0, *golden.size)
    _assert_bars(image, Picture(left, top, width, height), golden.bars)
    seam = left + width // 2 if golden.seam is None else golden.seam
    level = top + height // 2 if golden.level is None else golden.level
    right, bottom = left + width - 1, top + height - 1
    upper, lower = (RED, GREEN), (BLUE, YELLOW)
    if level < 0:
        upper = lower
    for y, (at_left, at_right) in ((top, upper), (bottom, lower)):
        assert close_to(pixel(image, left, y), at_left), (left, y)
        assert close_to(pixel(image, right, y), at_right), (right, y)
        # Resampling blurs two or three pixels on each side of where the colours meet.
        assert close_to(pixel(image, seam - 5, y), at_left), (seam, y)
        assert close_to(pixel(image, seam + 5, y), at_right), (seam, y)


def _assert_bars(image: pyvips.Image, picture: Picture, bars: Colour) -> None:
    left, top, width, height = picture
    middle_x, middle_y = left + width // 4, top + height // 4
    right, bottom = left + width - 1, top + height - 1
    if left > 0:
        assert pixel(image, left - 1, middle_y) == pixel(image, 0, middle_y) == bars
    if right < image.width - 1:
        assert pixel(image, right + 1, middle_y) == pixel(image, image.width - 1, middle_y) == bars
    if top > 0:
        assert pixel(image, middle_x, top - 1) == pixel(image, middle_x, 0) == bars
    if bottom < image.height - 1:
        assert pixel(image, middle_x, bottom + 1) == pixel(image, middle_x, image.height - 1) == bars
