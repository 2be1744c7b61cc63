"""One file or more of every kind, with and without notes."""

import struct
import zlib
from collections.abc import Mapping

from tests import originals
from tests.metadata.blocks import (
    Field,
    ascii_field,
    byte,
    long,
    rational,
    short,
    srational,
    tiff_block,
    undefined,
    xmp_packet,
)
from tests.metadata.camera import (
    EXPOSURE_FIELDS,
    PLACE_FIELDS,
    agency_records,
    camera_block,
    camera_jpeg,
    noted_packet,
    small_block,
)
from tests.metadata.containers import (
    chunk,
    exif_segment,
    icc_segments,
    jpeg_with,
    plain_jpeg,
    png_with,
    segment,
    tiff_chain,
    webp_chunk,
    webp_of,
    xmp_segment,
)
from tests.metadata.profiles import (
    small_profile,
)
from tests.metadata.values import exif_jpeg, value_pictures


def _jpegs() -> dict[str, bytes]:
    return {
        "plain.jpg": plain_jpeg(),
        "camera.jpg": camera_jpeg(),
        "camera_big.jpg": jpeg_with(exif_segment(camera_block(">")), has_jfif=False),
        "small_profile.jpg": jpeg_with(*icc_segments(small_profile())),
        "grey.jpg": plain_jpeg("L"),
        "cmyk.jpg": plain_jpeg("CMYK"),
        "progressive.jpg": plain_jpeg(progressive=True),
        "full_chroma.jpg": plain_jpeg(subsampling=0),
        "half_chroma.jpg": plain_jpeg(subsampling=1),
        "print.jpg": plain_jpeg(dpi=(300, 240)),
        "hdr.jpg": originals.ultra_hdr_jpeg(),
        "press.jpg": originals.jpeg(cmyk=True),
        "comment.jpg": jpeg_with(segment(0xFE, b"a comment\xe9"), segment(0xFE, b"second")),
        "adobe.jpg": jpeg_with(segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")),
        "xmp.jpg": jpeg_with(xmp_segment(noted_packet())),
        "exif_xmp.jpg": jpeg_with(exif_segment(small_block()), xmp_segment(noted_packet())),
        "xmp_exif.jpg": jpeg_with(xmp_segment(noted_packet()), exif_segment(small_block())),
        "two_thumbnails.jpg": jpeg_with(
            exif_segment(
                tiff_chain(
                    [ascii_field(0x010F, "one"), short(0x0103, 1)],
                    [ascii_field(0x010F, "two"), short(0x0103, 6), ascii_field(0x0131, "thumb")],
                    [ascii_field(0x010F, "three")],
                )
            )
        ),
        "two_blocks.jpg": jpeg_with(
            *(exif_segment(tiff_block(ascii_field(0x010F, name), short(0x0112, 3))) for name in ("one", "two"))
        ),
        "odd_types.jpg": exif_jpeg(
            undefined(0x010F, b"undefined\0"),
            short(0x0110, 1, 2, 3),
            long(0x0112, 6),
            short(0x011A, 72),
            srational(0x011B, -72, 1),
            ascii_field(0x0128, "2"),
            byte(0x0213, 1),
            exif=[
                short(0x829D, 3),
                ascii_field(0x829A, "1/3"),
                short(0x8827, 100, 200),
                ascii_field(0x9000, "0230"),
                rational(0x9214, 1, 1, 2, 1),
                Field(0xA002, 6, (-5,)),
                Field(0xA003, 11, (1.1,)),
                Field(0xA20B, 12, (1.1,)),
                byte(0xA300, 3),
            ],
        ),
        "moments.jpg": exif_jpeg(
            ascii_field(0x0132, "2023:01:02 03:04:05"),
            exif=[
                ascii_field(0x9003, "2023:01:02 03:04:05"),
                ascii_field(0x9010, "+01:00"),
                ascii_field(0x9011, "Z"),
                ascii_field(0x9004, "2023:01:02 03:04:05"),
                ascii_field(0x9292, "007"),
            ],
        ),
    }


def _pngs() -> dict[str, bytes]:
    notes = (
        chunk(b"pHYs", struct.pack(">IIB", 11811, 11812, 1)),
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        chunk(b"sRGB", b"\0"),
        chunk(b"sBIT", b"\x08\x08\x08"),
        chunk(b"bKGD", struct.pack(">3H", 255, 128, 0)),
        chunk(b"tIME", struct.pack(">HBBBBB", 2023, 1, 2, 3, 4, 5)),
        chunk(b"tEXt", b"Comment\0caf\xe9"),
        chunk(b"tEXt", b"Software\0Soft"),
        chunk(b"tEXt", b"Creation Time\x00yesterday"),
        chunk(b"tEXt", b"my key\0v"),
        chunk(b"zTXt", b"Author\0\0" + zlib.compress(b"me")),
        chunk(b"iTXt", b"Description\0\0\0\0\0" + "dé".encode()),
        chunk(b"iTXt", b"Copyright\0\1\0\0\0" + zlib.compress("©".encode())),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + noted_packet()),
        chunk(b"eXIf", small_block()),
        chunk(b"iCCP", b"My profile\0\0" + zlib.compress(small_profile())),
    )
    late = originals.png(16, 12)
    return {
        "noted.png": png_with(*notes),
        "early.png": png_with(chunk(b"eXIf", camera_block())),
        "interlaced.png": late[:28] + b"\1" + late[29:],
        "late.png": late[:-12] + chunk(b"eXIf", camera_block()) + chunk(b"tEXt", b"Title\0late") + late[-12:],
        "animated.png": png_with(chunk(b"acTL", struct.pack(">II", 3, 0))),
        "alpha.png": originals.png(16, 12, alpha=True),
        "palette.png": originals.png(16, 12, palette=True),
        "one_bit.png": originals.png(16, 12, one_bit=True),
        "grey.png": originals.png(16, 12, grey=True),
        "deep.png": originals.png(16, 12, sixteen_bit=True),
    }


def _webps() -> dict[str, bytes]:
    still, exact = originals.webp(16, 12), originals.webp(16, 12, lossless=True)
    features = bytes((0x2C, 0, 0, 0)) + (15).to_bytes(3, "little") + (11).to_bytes(3, "little")
    pixels = still[still.index(b"VP8 ") :]
    pixels = pixels[: 8 + int.from_bytes(pixels[4:8], "little") + pixels[4] % 2]
    return {
        "still.webp": still,
        "exact.webp": exact,
        "bare.webp": webp_of(pixels),
        "animated.webp": originals.animated_webp(16, 12, delay=120),
        "noted.webp": webp_of(
            webp_chunk(b"VP8X", features),
            webp_chunk(b"ICCP", small_profile()),
            pixels,
            webp_chunk(b"EXIF", camera_block()),
            webp_chunk(b"XMP ", noted_packet()),
        ),
    }


def _others() -> dict[str, bytes]:
    film = originals.gif(16, 12, frames=2)
    xmp_block = b"\x21\xff\x0bXMP DataXMP" + noted_packet() + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    pages = [
        [
            long(0x0100, 5 + page),
            long(0x0101, 6 + page),
            short(0x0103, 1),
            ascii_field(0x010E, f"page {page}"),
            ascii_field(0x010F, f"maker {page}"),
            long(0x0111, *range(1000, 1000 + 12 * page)),
            short(0x0112, page),
            rational(0x011A, 72 * page, 1),
            ascii_field(0x0131, f"program {page}"),
        ]
        for page in (1, 2)
    ]
    return {
        "still.gif": originals.gif(16, 12),
        "film.gif": originals.gif(16, 12, frames=3, delay=120, loop=2),
        "noted.gif": film[:-1] + b"\x21\xfe\x05hello\x03 yo\0" + xmp_block + b";",
        **{f"coded_{number}.tif": tiff_chain(_pixel_fields(number)) for number in range(1, 5)},
        "plain.tif": originals.tiff(16, 12),
        "deep.tif": originals.tiff(16, 12, sixteen_bit=True),
        "pages.tif": originals.tiff(16, 12, pages=2),
        "chain.tif": tiff_chain(*pages),
        "noted.tif": tiff_block(
            long(0x0100, 5),
            long(0x0101, 6),
            Field(0x02BC, 1, xmp_packet("<dc:format>image/tiff</dc:format>")),
            Field(0x83BB, 7, agency_records()),
            Field(0x8773, 7, small_profile()),
            exif=EXPOSURE_FIELDS,
            gps=PLACE_FIELDS,
            order=">",
        ),
        "plain.bmp": originals.bmp(16, 12),
        "downwards.bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 90, 0, 0, 54, 40, 4, -3, 1, 24, 0, 36, 5, 0, 3, 2),
        "old.bmp": b"BM" + struct.pack("<IHHIIHHHH", 62, 0, 0, 26, 12, 4, 3, 1, 24),
        "plain.avif": originals.avif(16, 12),
        "plain.svg": originals.svg(16, 12),
    }


def _pixel_fields(value: int) -> list[Field]:
    """Fields about pixels, all of this value."""
    tags = (0xFE, 0xFF, 0x100, 0x101, 0x102, 0x103, 0x106, 0x10A, 0x111, 0x115, 0x116, 0x117, 0x11C)
    return [short(tag, value) for tag in (*tags, 0x13D, 0x142, 0x143, 0x144, 0x145, 0x152, 0x153)]


def all_pictures() -> Mapping[str, bytes]:
    """By file name."""
    return {
        **_jpegs(),
        **value_pictures(),
        **_pngs(),
        **_webps(),
        **_others(),
    }
