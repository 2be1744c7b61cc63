"""Pictures drawn in code, as the bytes of a file, and the means to look into what came out.

Nearly all show `quadrants`: red top left, green top right, blue bottom left, yellow bottom right. Four sampled pixels
then tell orientation, crop, anchor and bars. Sides default to 400 by 300 px, so that width taken for height shows.
"""

import struct
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Literal, TypeAlias

import numpy as np
import pyvips
from PIL import Image as Pillow

Colour: TypeAlias = tuple[int, ...]

RED: Colour = (230, 30, 30)
GREEN: Colour = (30, 160, 60)
BLUE: Colour = (30, 60, 220)
YELLOW: Colour = (240, 210, 20)
COLOURS = (RED, GREEN, BLUE, YELLOW)
"""Top left, top right, bottom left, bottom right."""

ULTRA_HDR_COLOURS = ((178, 20, 20), (28, 138, 52), (19, 46, 173), (182, 158, 14))
"""What libultrahdr's tone mapping leaves of `COLOURS` for screens of the usual brightness, as sRGB.

The file's numbers are others: libultrahdr embeds a profile of Display P3.
"""

GREYS: tuple[Colour, ...] = ((210,), (150,), (90,), (30,))
"""The same places in a grey picture."""

ALPHAS = (255, 128, 255, 0)
"""The same places in a picture with alpha: green half, yellow wholly transparent.

WebP and palettes do not keep which colour a wholly transparent pixel had.
"""

CAMERA_MODEL = "Obscura 35"
PHOTOGRAPHER = "A. Photographer"


def quadrants(width: int = 400, height: int = 300, *, alpha: bool = False, turn: int = 0) -> pyvips.Image:
    """Four flat colours, eight bits, sRGB; with an odd side the right or lower half has the pixel more.

    Each `turn` moves every colour one place on, clockwise (opacities stay): this tells frames and pages apart.
    """
    colours = _turned(COLOURS, turn)
    if alpha:
        colours = tuple((*colour, opacity) for colour, opacity in zip(colours, ALPHAS, strict=True))
    return _four(width, height, colours).copy(interpretation="srgb")


def chart(width: int = 240, height: int = 180) -> pyvips.Image:
    """The quadrants under a dark grid of eight by six fields: it tells a shift too where one colour alone is kept."""
    lines = [(width * n // 8, 0, 2, height) for n in range(8)] + [(0, height * n // 6, width, 2) for n in range(6)]
    picture = quadrants(width, height)
    for left, top, across, down in lines:
        line = _flat(min(across, width - left), min(down, height - top), (40, 20, 50))
        picture = picture.insert(line, left, top)
    return picture.copy_memory()


def photograph(width: int, height: int) -> pyvips.Image:
    """A drawing with what a photograph has: gradients, edges at every angle, fine lines, grain."""
    across, down = np.meshgrid(np.linspace(0, 4 / 3, width), np.linspace(0, 1, height))
    picture = np.stack([150 + 60 * down, 180 - 40 * down, 220 - 110 * down], 2)
    hills = down > 0.62 + 0.1 * np.sin(across * 7)
    picture[hills] = (60, 110, 50)
    picture[hills] += 30 * np.sin(across * 220 + down * 90)[hills][:, None]
    for left, top, radius, colour in ((0.35, 0.35, 0.22, (225, 60, 40)), (0.95, 0.6, 0.3, (240, 200, 60))):
        distance = np.hypot(across - left, down - top) / radius
        picture[distance < 1] = (np.array(colour) * (1.1 - 0.6 * distance[..., None] ** 2))[distance < 1]
    fence = (np.abs(down - 0.85) < 0.07) & ((across * 24) % 1 < 0.3)
    picture[fence] = (245, 240, 230)
    grain = np.random.default_rng(3).normal(0, 4, (height, width, 1))
    pixels = (picture + grain).clip(0, 255).astype(np.uint8)
    return pyvips.Image.new_from_array(pixels, interpretation="srgb")


def cut_out(width: int, height: int) -> pyvips.Image:
    """A striped disc with a soft edge on one side and a hard one on the other; green lies hidden where nothing is."""
    across, down = np.meshgrid(np.linspace(-4 / 3, 4 / 3, width), np.linspace(-1, 1, height))
    softness = np.where(across < 0, 0.3, 0.004)
    alpha = ((0.85 - np.hypot(across, down)) / softness).clip(0, 1) * 255
    stripes = np.where((across * 6) % 1 < 0.5, 1, 0)[..., None]
    colours = stripes * np.array([220, 120, 40]) + (1 - stripes) * np.array([240, 235, 225])
    colours[alpha == 0] = (0, 255, 0)
    pixels = np.dstack([colours, alpha]).astype(np.uint8)
    return pyvips.Image.new_from_array(pixels, interpretation="srgb")


def frame_colours(turn: int) -> tuple[Colour, ...]:
    """The colours, in the order of `COLOURS`, of the frame or page with this number, from 0."""
    return _turned(COLOURS, turn)


def jpeg(
    width: int = 400,
    height: int = 300,
    *,
    orientation: int | None = None,
    icc: Literal["srgb", "p3"] | None = None,
    exif_gps: bool = False,
    progressive: bool = False,
    cmyk: bool = False,
    grey: bool = False,
    quality: int = 90,
) -> bytes:
    """A JPEG whose stored pixels are `width` by `height` and show the upright quadrants, whatever `orientation` says.

    With `icc` the pixels are converted, so that the colours come back only where the profile is honoured. CMYK carries
    its profile, of 960 kB; no ink is as blue as `BLUE`, which comes back as about (43, 79, 150), the others within 18.
    Without `orientation` and `exif_gps` there is no EXIF at all.
    """
    picture = _grey(width, height) if grey else quadrants(width, height)
    if cmyk:
        picture = picture.icc_transform("cmyk", input_profile="srgb")
    elif icc is not None:
        picture = picture.icc_transform(icc, input_profile="srgb")
    return _jpeg(picture, exif=_exif(orientation, gps=exif_gps), progressive=progressive, quality=quality)


def orientation_jpeg(orientation: int, width: int = 400, height: int = 300) -> bytes:
    """A JPEG that is `width` by `height` and shows the quadrants once its EXIF orientation, 1 to 8, is honoured."""
    upright = quadrants(width, height)
    # EXIF 2.32, tag 0x0112, names what the viewer has to undo; 5 and 7 are their own inverses.
    stored = {
        1: upright,
        2: upright.fliphor(),
        3: upright.rot180(),
        4: upright.flipver(),
        5: upright.rot90().fliphor(),
        6: upright.rot270(),
        7: upright.rot270().fliphor(),
        8: upright.rot90(),
    }[orientation]
    return _jpeg(stored, exif=_exif(orientation, gps=False))


def jpeg_with_gps(width: int = 400, height: int = 300) -> bytes:
    """A JPEG whose EXIF tells place, camera (`CAMERA_MODEL`) and author (`PHOTOGRAPHER`)."""
    return jpeg(width, height, exif_gps=True)


def ultra_hdr_jpeg(width: int = 400, height: int = 300) -> bytes:
    """A JPEG as phones write it since 2023: the quadrants, and a gain map behind them for screens that shine brighter.

    Screens that do not show `ULTRA_HDR_COLOURS` (Android's Ultra HDR image format, 1.1); libvips has an own loader.
    """
    return quadrants(width, height).colourspace("scrgb").uhdrsave_buffer(Q=90)


def png(
    width: int = 400,
    height: int = 300,
    *,
    alpha: bool = False,
    sixteen_bit: bool = False,
    palette: bool = False,
    one_bit: bool = False,
    grey: bool = False,
    text: Mapping[str, str] | None = None,
) -> bytes:
    """A PNG; `one_bit` is black on the left and white on the right, `grey` shows `GREYS`, `text` goes into tEXt."""
    if one_bit:
        picture = _four(width, height, ((0,), (255,), (0,), (255,)))
    else:
        picture = _grey(width, height) if grey else quadrants(width, height, alpha=alpha)
    if sixteen_bit:
        picture = _sixteen_bit(picture)
    if palette:
        data = picture.pngsave_buffer(palette=True, keep=pyvips.ForeignKeep.NONE)
    elif one_bit:
        data = picture.pngsave_buffer(bitdepth=1, keep=pyvips.ForeignKeep.NONE)
    else:
        data = picture.pngsave_buffer(keep=pyvips.ForeignKeep.NONE)
    chunks = (_png_chunk(b"tEXt", f"{key}\0{value}".encode("latin-1")) for key, value in (text or {}).items())
    return data[:_PNG_HEADER_END] + b"".join(chunks) + data[_PNG_HEADER_END:]


def gif(width: int = 400, height: int = 300, *, frames: int = 1, delay: int = 100, loop: int = 0) -> bytes:
    """A GIF; frame n shows `frame_colours(n)`. `delay` in ms, `loop` 0 for ever."""
    return _film(width, height, frames=frames, delay=delay, loop=loop).gifsave_buffer(dither=0, effort=1)


def webp(width: int = 400, height: int = 300, *, alpha: bool = False, lossless: bool = False) -> bytes:
    return quadrants(width, height, alpha=alpha).webpsave_buffer(Q=90, lossless=lossless)


def animated_webp(width: int = 400, height: int = 300, *, frames: int = 3, delay: int = 100, loop: int = 0) -> bytes:
    """A lossless WebP; frame n shows `frame_colours(n)`. `delay` in ms, `loop` 0 for ever."""
    return _film(width, height, frames=frames, delay=delay, loop=loop).webpsave_buffer(lossless=True, effort=0)


def tiff(width: int = 400, height: int = 300, *, sixteen_bit: bool = False, pages: int = 1) -> bytes:
    """A TIFF; page n shows `frame_colours(n)`."""
    picture = _stack(width, height, pages)
    if sixteen_bit:
        picture = _sixteen_bit(picture)
    return picture.tiffsave_buffer(compression="lzw", page_height=height)


def bmp(width: int = 400, height: int = 300) -> bytes:
    """A BMP of 24 bits, written by Pillow: libvips' wheel writes none."""
    with Pillow.frombytes("RGB", (width, height), quadrants(width, height).write_to_memory()) as picture:
        return _saved(picture, "BMP")


def avif(width: int = 400, height: int = 300, *, alpha: bool = False) -> bytes:
    picture = quadrants(width, height, alpha=alpha)
    return picture.heifsave_buffer(compression="av1", Q=90, effort=0, subsample_mode="off")


def svg(width: int = 400, height: int = 300, body: str | None = None, *, before: str = "") -> bytes:
    """An SVG that shows `body`, by default the quadrants; `before` stands in front of the root element."""
    shown = _svg_quadrants(width, height) if body is None else body
    return (
        f'{before}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        f' width="{width}" height="{height}" viewBox="0 0 {width} {height}">{shown}</svg>'
    ).encode()


def svg_with_script() -> bytes:
    """The quadrants, and script in every place an SVG has for it: element, event, link, foreign HTML."""
    return svg(
        body=_svg_quadrants(400, 300)
        + "<script>alert(1)</script>"
        + '<circle cx="9" cy="9" r="5" onload="alert(2)" onclick="alert(3)"/>'
        + '<a xlink:href="javascript:alert(4)"><rect width="9" height="9"/></a>'
        + '<foreignObject width="9" height="9"><body xmlns="http://www.w3.org/1999/xhtml"><script>alert(5)</script>'
        + "</body></foreignObject>"
    )


def svg_with_external_reference(url: str) -> bytes:
    """The quadrants, and `url` in every place from which a renderer or a browser may fetch it."""
    return svg(
        body=f'<style>@import url("{url}"); rect {{ stroke: url("{url}#a") }}</style>'
        + _svg_quadrants(400, 300)
        + f'<image href="{url}" width="50" height="50"/><image xlink:href="{url}" width="50" height="50"/>'
        + f'<use href="{url}#a"/><rect width="9" height="9" fill="url({url}#a)"/>',
        before=f'<?xml version="1.0"?><?xml-stylesheet href="{url}"?>',
    )


def svg_with_external_entity(url: str) -> bytes:
    """Text that a careless XML parser would fetch from `url`, which may be a file."""
    return svg(body="<text>&far;</text>", before=f'<!DOCTYPE svg [<!ENTITY far SYSTEM "{url}">]>')


def svg_entity_bomb() -> bytes:
    """A few hundred bytes whose entities stand for ten to the ninth characters."""
    entities = '<!ENTITY e0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 9)
    )
    return svg(body="<text>&e8;</text>", before=f"<!DOCTYPE svg [{entities}]>")


def truncated(data: bytes, *, kept: float = 0.5) -> bytes:
    """The first part of a file; `kept` is a fraction of its bytes."""
    return data[: int(len(data) * kept)]


def lying_png(width: int = 50_000, height: int = 50_000) -> bytes:
    """A PNG with sound checksums whose header claims this size and whose data ends after one row at most."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", header)
        + _png_chunk(b"IDAT", zlib.compress(bytes(100)))
        + _png_chunk(b"IEND", b"")
    )


def gif_bomb(*, frames: int = 1000, width: int = 2000, height: int = 2000) -> bytes:
    """A sound GIF of 23 bytes a frame, each one pixel on a wide screen: decoded it is frames x width x height.

    Screens above 2048 px a side, or of a monitor's size such as 640 x 480, are no use here: libnsgif distrusts them
    and takes the first frame's size.
    """
    screen = struct.pack("<HHBBB", width, height, 0b1000_0000, 0, 0) + bytes((230, 30, 30, 30, 60, 220))
    # Graphic control (delay 10/100 s), image descriptor (1 x 1 px), LZW: clear, colour, end of information.
    pixels = (b"\x02\x02\x44\x01\x00", b"\x02\x02\x4c\x01\x00")
    control = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"
    descriptor = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0)
    return b"GIF89a" + screen + b"".join(control + descriptor + pixels[n % 2] for n in range(frames)) + b"\x3b"


def heic_signature() -> bytes:
    """Begins as an HEIC does (ISO 14496-12, `ftyp` of brand `heic`) and holds no picture."""
    return struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(200)


def pdf(width: int = 400, height: int = 300) -> bytes:
    """A PDF of one page, in points, that shows a red rectangle."""
    drawing = f"0.9 0.12 0.12 rg 0 0 {width} {height} re f".encode()
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents 4 0 R/Resources<<>>>>".encode(),
        b"<</Length %d>>stream\n%b\nendstream" % (len(drawing), drawing),
    )
    data, table = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, content in enumerate(objects, start=1):
        table += b"%010d 00000 n \n" % len(data)
        data += b"%d 0 obj%b endobj\n" % (number, content)
    trailer = b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(data)
    return data + b"xref\n0 5\n" + table + trailer


def decode(data: bytes) -> pyvips.Image:
    """The pixels as stored (orientation and profile not applied), in memory; of an animation the first frame.

    An SVG needs a process whose SVG loader is open. Raises pyvips.Error for a file that is cut short or damaged.
    """
    if data.startswith(b"BM"):
        with Pillow.open(BytesIO(data)) as bitmap:
            pixels = bitmap.convert("RGBA" if "A" in bitmap.getbands() else "RGB")
        bands = len(pixels.getbands())
        picture = pyvips.Image.new_from_memory(pixels.tobytes(), pixels.width, pixels.height, bands, "uchar")
        return picture.copy(interpretation="srgb")
    return pyvips.Image.new_from_buffer(data, "", fail_on="error").copy_memory()


def decode_frames(data: bytes) -> list[pyvips.Image]:
    """Every frame or page, in order; of a still picture the one there is."""
    first = decode(data)
    if first.get_n_pages() == 1:
        return [first]
    return pyvips.Image.new_from_buffer(data, "", fail_on="error", n=-1).copy_memory().pagesplit()


def pixel(image: pyvips.Image, x: int, y: int) -> Colour:
    """One value a band, in the image's own range: a picture of sixteen bits answers 0 to 65535."""
    return tuple(round(value) for value in image(x, y))


def corners(image: pyvips.Image) -> tuple[Colour, ...]:
    """The pixel in the middle of each quadrant, in the order of `COLOURS`."""
    left, right = image.width // 4, image.width * 3 // 4
    top, bottom = image.height // 4, image.height * 3 // 4
    return tuple(pixel(image, x, y) for x, y in ((left, top), (right, top), (left, bottom), (right, bottom)))


def close_to(a: Colour, b: Colour, tolerance: int = 12) -> bool:
    """Whether no band differs by more than `tolerance`. Colours of unequal length are a mistake: ValueError."""
    return all(abs(one - other) <= tolerance for one, other in zip(a, b, strict=True))


def has_exif(data: bytes) -> bool:
    """Whether a JPEG, PNG, WebP or AVIF holds an EXIF block, by Pillow's reading rather than libvips'."""
    with Pillow.open(BytesIO(data)) as picture:
        # A PNG may keep its eXIf chunk behind the pixels.
        picture.load()
        return "exif" in picture.info


def has_gps(data: bytes) -> bool:
    """Whether the EXIF of the file tells a place."""
    with Pillow.open(BytesIO(data)) as picture:
        picture.load()
        return bool(picture.getexif().get_ifd(_GPS_IFD))


_PNG_HEADER_END = 33
"""Signature (8 bytes) and IHDR (25): PNG 3rd edition, sections 5.2 and 11.2.1."""

_GPS_IFD = 0x8825


def _four(width: int, height: int, colours: tuple[Colour, ...]) -> pyvips.Image:
    left, top = width // 2, height // 2
    upper = _flat(left, top, colours[0]).join(_flat(width - left, top, colours[1]), "horizontal")
    lower = _flat(left, height - top, colours[2]).join(_flat(width - left, height - top, colours[3]), "horizontal")
    return upper.join(lower, "vertical").copy_memory()


def _flat(width: int, height: int, colour: Colour) -> pyvips.Image:
    return pyvips.Image.black(width, height).new_from_image([float(value) for value in colour]).cast("uchar")


def _grey(width: int, height: int) -> pyvips.Image:
    return _four(width, height, GREYS).copy(interpretation="b-w")


def _turned(colours: tuple[Colour, ...], turn: int) -> tuple[Colour, ...]:
    for _ in range(turn % 4):
        top_left, top_right, bottom_left, bottom_right = colours
        colours = (bottom_left, top_left, bottom_right, top_right)
    return colours


def _sixteen_bit(picture: pyvips.Image) -> pyvips.Image:
    deep = (picture * 257).cast("ushort")
    return deep.copy(interpretation="grey16" if picture.bands == 1 else "rgb16")


def _stack(width: int, height: int, count: int) -> pyvips.Image:
    """Frames or pages, one below the other: libvips cuts them apart by its `page-height`."""
    stacked = quadrants(width, height)
    for turn in range(1, count):
        stacked = stacked.join(quadrants(width, height, turn=turn), "vertical")
    return stacked


def _film(width: int, height: int, *, frames: int, delay: int, loop: int) -> pyvips.Image:
    film = _stack(width, height, frames).copy()
    film.set_type(pyvips.GValue.gint_type, "page-height", height)
    film.set_type(pyvips.GValue.array_int_type, "delay", [delay] * frames)
    film.set_type(pyvips.GValue.gint_type, "loop", loop)
    return film


def _jpeg(picture: pyvips.Image, *, exif: bytes, progressive: bool = False, quality: int = 90) -> bytes:
    """Without chroma subsampling, so that colours stay flat up to where they meet."""
    data = picture.jpegsave_buffer(Q=quality, interlace=progressive, subsample_mode="off", keep=pyvips.ForeignKeep.ICC)
    if not exif:
        return data
    # APP1 right behind SOI: EXIF 2.32, section 4.5.4.
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def _exif(orientation: int | None, *, gps: bool) -> bytes:
    """An APP1 payload by Pillow, or nothing where there is nothing to say."""
    exif = Pillow.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    if gps:
        exif[0x010F] = "Imaginary"
        exif[0x0110] = CAMERA_MODEL
        exif[0x013B] = PHOTOGRAPHER
        place = {1: "N", 2: (46.0, 12.0, 7.2), 3: "E", 4: (6.0, 9.0, 0.0)}
        exif.get_ifd(_GPS_IFD).update(place)
    return exif.tobytes() if orientation is not None or gps else b""


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _saved(picture: Pillow.Image, kind: str) -> bytes:
    file = BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def _svg_quadrants(width: int, height: int) -> str:
    left, top = width / 2, height / 2
    places = ((0, 0), (left, 0), (0, top), (left, top))
    return "".join(
        f'<rect x="{x}" y="{y}" width="{left}" height="{top}" fill="rgb{colour}"/>'
        for (x, y), colour in zip(places, COLOURS, strict=True)
    )
