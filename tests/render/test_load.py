"""From an original to pixels at the plan's size: colours, orientations, regions, frames, drawings."""

import threading
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsvc.core.errors import CorruptOriginal
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Fit, Orientation, Region, Size
from imgsvc.core.transform import Transform
from tests import originals
from tests.originals import (
    COLOURS,
    GREEN,
    GREYS,
    RED,
    YELLOW,
    Colour,
    animated_webp,
    avif,
    bmp,
    close_to,
    corners,
    decode,
    decode_frames,
    frame_colours,
    gif,
    jpeg,
    orientation_jpeg,
    pixel,
    png,
    quadrants,
    svg,
    svg_with_external_entity,
    svg_with_external_reference,
    svg_with_script,
    tiff,
    webp,
)
from tests.render.darkroom import Darkroom

GREY_COLOURS = tuple(grey * 3 for grey in GREYS)
BLACK_AND_WHITE = ((0, 0, 0), (255, 255, 255)) * 2
NO_INK_IS_SO_BLUE = (RED, GREEN, (43, 79, 150), YELLOW)

SHOWN: dict[str, tuple[Callable[[], bytes], tuple[Colour, ...], int]] = {
    "jpeg": (jpeg, COLOURS, 4),
    "jpeg progressive": (lambda: jpeg(progressive=True), COLOURS, 4),
    "jpeg with sRGB's profile": (lambda: jpeg(icc="srgb"), COLOURS, 4),
    "jpeg in Display P3": (lambda: jpeg(icc="p3"), COLOURS, 4),
    "jpeg cmyk": (lambda: jpeg(cmyk=True), NO_INK_IS_SO_BLUE, 18),
    "jpeg grey": (lambda: jpeg(grey=True), GREY_COLOURS, 2),
    "jpeg with a gain map": (originals.ultra_hdr_jpeg, originals.ULTRA_HDR_COLOURS, 8),
    "png": (png, COLOURS, 0),
    "png 16 bit": (lambda: png(sixteen_bit=True), COLOURS, 1),
    "png palette": (lambda: png(palette=True), COLOURS, 2),
    "png grey": (lambda: png(grey=True), GREY_COLOURS, 0),
    "png grey 16 bit": (lambda: png(grey=True, sixteen_bit=True), GREY_COLOURS, 1),
    "png 1 bit": (lambda: png(one_bit=True), BLACK_AND_WHITE, 0),
    "webp": (webp, COLOURS, 4),
    "avif": (avif, COLOURS, 4),
    "gif": (gif, COLOURS, 2),
    "tiff": (tiff, COLOURS, 0),
    "tiff 16 bit": (lambda: tiff(sixteen_bit=True), COLOURS, 1),
    "tiff of pages": (lambda: tiff(pages=3), COLOURS, 0),
    "tiff cmyk": (lambda: quadrants().icc_transform("cmyk").tiffsave_buffer(), NO_INK_IS_SO_BLUE, 18),
    "tiff lab": (lambda: quadrants().colourspace("lab").tiffsave_buffer(), COLOURS, 2),
    "png in Display P3": (lambda: quadrants().icc_transform("p3", input_profile="srgb").pngsave_buffer(), COLOURS, 3),
    "bmp": (bmp, COLOURS, 0),
    "svg": (svg, COLOURS, 0),
}
"""What shows the quadrants, what they look like as sRGB, and how far off each may be."""


def saved(picture: pyvips.Image) -> bytes:
    return picture.pngsave_buffer(keep=pyvips.ForeignKeep.NONE)


def shows(image: pyvips.Image, expected: tuple[Colour, ...], tolerance: int = 12) -> bool:
    """In sRGB, whatever alpha there is."""
    found = corners(image.colourspace("srgb")[:3])
    return all(close_to(*pair, tolerance) for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize(
    "asked",
    [
        Transform(width=100),
        Transform(width=800),
        Transform(width=200, crop=Region(40, 30, 320, 240)),
        Transform(width=30, crop=Region(40, 30, 320, 240)),
    ],
    ids=["smaller", "larger", "region", "region, much smaller"],
)
def test_colours_come_out_as_srgb(name: str, asked: Transform, darkroom: Darkroom) -> None:
    """Profiles are honoured, and deep, grey, palette and printed originals look as they should."""
    draw, expected, tolerance = SHOWN[name]

    result = decode(darkroom.render(draw(), replace(asked, format=Format.PNG)))

    assert result.get_typeof("icc-profile-data") == 0
    assert result.format == "uchar"
    assert shows(result, expected, tolerance)


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("output", [name for name, row in FORMATS.items() if row.encodes])
def test_every_orientation_comes_out_upright(orientation: Orientation, output: Format, darkroom: Darkroom) -> None:
    """Once: a viewer that honours whatever the result says of its own orientation must see it upright too."""
    data = darkroom.render(orientation_jpeg(orientation), Transform(width=100, format=output))

    result = as_viewers_show(data)

    assert (result.width, result.height) == (100, 75)
    assert shows(result, COLOURS)


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("output", [name for name, row in FORMATS.items() if row.encodes])
def test_without_autorotate_pixels_stay_as_stored(orientation: Orientation, output: Format, darkroom: Darkroom) -> None:
    """For viewers too."""
    data = orientation_jpeg(orientation)
    stored = decode(data)

    result = as_viewers_show(darkroom.render(data, Transform(width=100, upright=False, format=output)))

    assert (result.width, result.height) == (100, 133 if orientation.swaps_sides else 75)
    assert shows(result, corners(stored))


@pytest.mark.parametrize("orientation", list(Orientation))
def test_a_region_is_of_the_upright_picture(orientation: Orientation, darkroom: Darkroom) -> None:
    """The green quadrant alone, whichever corner it is stored in."""
    asked = Transform(crop=Region(200, 0, 200, 150), format=Format.PNG)

    result = decode(darkroom.render(orientation_jpeg(orientation), asked))

    assert (result.width, result.height) == (200, 150)
    assert all(close_to(found, GREEN, 4) for found in corners(result))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("shrink", [1, 2, 4, 8])
@pytest.mark.parametrize("region", [Region(0, 0, 1600, 1200), Region(96, 64, 1024, 768), Region(1103, 77, 485, 1111)])
def test_what_lies_in_a_region_of_a_jpeg_shrunk_while_loading_is_in_its_place(
    region: Region, shrink: int, share: float, darkroom: Darkroom
) -> None:
    """Within a quarter of a result's pixel, at the left and at the right, above and below.

    An edge between black and white at that share of the region; the mean of the result tells where it came to lie, but
    for the pixel it lies in: half covered, that is shown as three quarters where light is averaged.
    """
    x, y = region.left + round(region.width * share), region.top + round(region.height * share)
    size = Size(region.width // (2 * shrink), region.height // (2 * shrink))
    asked = Transform(crop=region, width=size.width, height=size.height, fit=Fit.FILL, format=Format.PNG)
    places = pyvips.Image.xyz(1600, 1200)

    across, down = (
        decode(darkroom.render((white & 255).jpegsave_buffer(Q=95, optimize_coding=True), asked))
        for white in (places[0] >= x, places[1] >= y)
    )

    found_x, found_y = size.width * (1 - across.avg() / 255), size.height * (1 - down.avg() / 255)
    assert abs(found_x - (x - region.left) * size.width / region.width) <= 0.45
    assert abs(found_y - (y - region.top) * size.height / region.height) <= 0.45


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_result_has_the_plans_size(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """To the pixel, whatever is asked of whichever original."""
    darkroom = Darkroom(tmp_path_factory.mktemp("plans"))
    original = data.draw(st.sampled_from(_ORIGINALS))
    side = st.none() | st.integers(1, 150)
    region = st.none() | st.builds(
        Region, st.integers(0, 60), st.integers(0, 40), st.integers(1, 80), st.integers(1, 60)
    )
    asked = Transform(
        width=data.draw(side),
        height=data.draw(side),
        fit=data.draw(st.sampled_from(Fit)),
        crop=data.draw(region),
        upright=data.draw(st.booleans()),
        format=Format.PNG,
    )
    plan = darkroom.plan(original, asked)

    result = decode(darkroom.carry_out(original, plan))

    assert Size(result.width, result.height) == plan.result


@pytest.mark.parametrize("output", [Format.GIF, Format.WEBP])
@pytest.mark.parametrize("draw", [gif, animated_webp])
@pytest.mark.parametrize(
    ("asked", "size"),
    [
        (Transform(width=100), Size(100, 75)),
        (Transform(width=500), Size(500, 375)),
        (Transform(width=90, height=90), Size(90, 90)),
        (Transform(width=90, height=90, fit=Fit.COVER), Size(90, 90)),
        (Transform(crop=Region(100, 75, 200, 150)), Size(200, 150)),
        (Transform(), Size(400, 300)),
    ],
    ids=["smaller", "larger", "padded", "cropped", "region", "as it is"],
)
def test_an_animation_stays_one(
    draw: Callable[..., bytes], output: Format, asked: Transform, size: Size, darkroom: Darkroom
) -> None:
    """Every frame, its delay, and how often it runs."""
    data = draw(frames=5, delay=70, loop=3)

    result = darkroom.render(data, replace(asked, format=output))

    frames = decode_frames(result)
    assert [Size(frame.width, frame.height) for frame in frames] == [size] * 5
    for turn, frame in enumerate(frames):
        inner = frame.crop(*_middle(size)) if asked.height else frame
        assert shows(inner, frame_colours(turn), 16)
    header = pyvips.Image.new_from_buffer(result, "")
    assert header.get("delay") == [70] * 5
    assert header.get("loop") == 3


def test_uneven_delays_are_kept(darkroom: Darkroom) -> None:
    film = pyvips.Image.new_from_buffer(gif(frames=3), "", n=-1).copy()
    film.set_type(pyvips.GValue.array_int_type, "delay", [50, 400, 1000])
    data = film.gifsave_buffer()

    for output in (Format.GIF, Format.WEBP):
        result = darkroom.render(data, Transform(width=50, format=output))

        assert pyvips.Image.new_from_buffer(result, "").get("delay") == [50, 400, 1000]


@pytest.mark.parametrize("output", [name for name, row in FORMATS.items() if row.encodes and not row.animation])
@pytest.mark.parametrize("draw", [gif, animated_webp])
def test_an_animation_gives_its_first_frame_where_the_output_is_still(
    draw: Callable[..., bytes], output: Format, darkroom: Darkroom
) -> None:
    data = draw(frames=3)

    frames = decode_frames(darkroom.render(data, Transform(width=100, format=output)))

    assert len(frames) == 1
    assert (frames[0].width, frames[0].height) == (100, 75)
    assert shows(frames[0], COLOURS)


@pytest.mark.parametrize("width", [40, 400, 3000])
def test_an_svg_is_drawn_at_the_size_asked_for(width: int, darkroom: Darkroom) -> None:
    """Sharp: of a drawing's edge no more than a pixel is mixed, at whichever size."""
    data = svg(40, 30, '<rect width="20" height="30" fill="#000"/><rect x="20" width="20" height="30" fill="#fff"/>')

    result = decode(darkroom.render(data, Transform(width=width)))

    row = [pixel(result, x, result.height // 2)[0] for x in range(result.width)]
    assert sum(0 < value < 255 for value in row) <= 1
    assert row[0] == 0
    assert row[-1] == 255


def test_a_region_of_an_svg_is_drawn_at_the_size_asked_for(darkroom: Darkroom) -> None:
    """10 px of the drawing become 2,000, and are as sharp."""
    asked = Transform(crop=Region(195, 145, 10, 10), width=2000)

    result = decode(darkroom.render(svg(), asked))

    assert (result.width, result.height) == (2000, 2000)
    row = [pixel(result, x, 500)[:3] for x in range(2000)]
    assert sum(colour not in (RED, GREEN) for colour in row) <= 1
    assert corners(result[:3]) == COLOURS


def test_script_in_an_svg_does_no_harm(darkroom: Darkroom) -> None:
    """It is drawn as if the script were not there."""
    result = decode(darkroom.render(svg_with_script(), Transform(format=Format.PNG)))

    assert shows(result, COLOURS, 0)


def test_no_reference_of_an_svg_is_fetched_from_the_network(darkroom: Darkroom) -> None:
    """Images, styles, fonts, uses, entities: the server they point to is never called."""
    with counting_server() as (url, calls):
        documents = [
            svg_with_external_reference(url),
            svg_with_external_reference(url.removeprefix("http:")),
            svg_with_external_entity(url),
            *(svg(body=body) for body in _referring(url)),
        ]
        for data in documents:
            _draw(darkroom, data)

    assert calls == []


def test_no_reference_of_an_svg_reads_a_file(darkroom: Darkroom, tmp_path: Path) -> None:
    """A picture that lies beside the original does not show, by whichever spelling it is named."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(saved(quadrants(10, 10)[:3] * 0 + [250, 0, 250]))
    drawing = tmp_path / "secret.svg"
    drawing.write_bytes(svg(10, 10, '<rect id="a" width="10" height="10" fill="#fa00fa"/>'))

    for file in (secret, drawing):
        for url in (file.as_uri(), str(file), file.name, f"./{file.name}", f"file://localhost{file}"):
            for body in _referring(url):
                shown = _draw(darkroom, svg(body=body))
                assert shown is None or not _holds(shown, (250, 0, 250))


def test_a_picture_inside_an_svg_shows(darkroom: Darkroom) -> None:
    """As data, which needs no fetching."""
    inside = b64encode(png()).decode()
    data = svg(body=f'<image width="400" height="300" href="data:image/png;base64,{inside}"/>')

    result = decode(darkroom.render(data, Transform(format=Format.PNG)))

    assert shows(result, COLOURS)


def as_viewers_show(data: bytes) -> pyvips.Image:
    """With the orientation applied that the file itself tells."""
    return decode(data).autorot()


@contextmanager
def counting_server() -> Generator[tuple[str, list[str]]]:
    """The address of a picture on a server of this host, and the paths it was asked for."""
    calls: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(HTTPStatus.NOT_FOUND)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/picture.png", calls
        finally:
            server.shutdown()
            thread.join()


def _referring(url: str) -> list[str]:
    """Every way that librsvg or a browser knows to name something outside."""
    whole = 'width="400" height="300"'
    return [
        f'<image href="{url}" {whole}/>',
        f'<image xlink:href="{url}" {whole}/>',
        f'<use href="{url}#a" {whole}/>',
        f'<use xlink:href="{url}#a" {whole}/>',
        f'<filter id="f"><feImage href="{url}" {whole}/></filter><rect {whole} filter="url(#f)"/>',
        f'<filter id="f"><feImage xlink:href="{url}" {whole}/></filter><rect {whole} filter="url(#f)"/>',
        f'<rect {whole} fill="url({url}#a)"/><rect {whole} style="fill:url(\'{url}#a\');mask:url({url}#a)"/>',
        f'<style>@import "{url}"; @font-face {{ font-family: x; src: url({url}) }}</style><text>a</text>',
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}"/>',
        f'<foreignObject {whole}><img xmlns="http://www.w3.org/1999/xhtml" src="{url}"/></foreignObject>',
        f'<pattern id="p" href="{url}#a" {whole}/><rect {whole} fill="url(#p)"/>',
        f"<style>rect {{ background: url({url}); cursor: url({url}) }}</style><rect {whole}/>",
    ]


def _draw(darkroom: Darkroom, data: bytes) -> pyvips.Image | None:
    """None where it is refused, which is as good."""
    try:
        return decode(darkroom.render(data, Transform(format=Format.PNG)))
    except CorruptOriginal:
        return None


def _holds(image: pyvips.Image, colour: Colour) -> bool:
    near = ((image[:3] - list(colour)).abs() < 20).bandand()
    return near.avg() > 0


def _middle(size: Size) -> tuple[int, int, int, int]:
    """Within the bars of a padded picture of 4 : 3."""
    height = size.width * 3 // 4
    return 0, (size.height - height) // 2 + 1, size.width, height - 2


_ORIGINALS = [
    jpeg(80, 60, orientation=6),
    jpeg(801, 599),
    png(79, 61, alpha=True),
    webp(80, 60),
    gif(80, 60),
    bmp(80, 60),
    svg(80, 60),
    tiff(81, 61, sixteen_bit=True),
]
