"""What a camera, an agency and a program write about a picture, field by field."""

from tests.metadata.blocks import (
    Order,
    ascii_field,
    byte,
    iptc_field,
    long,
    rational,
    short,
    srational,
    tiff_block,
    undefined,
    xmp_packet,
)
from tests.metadata.containers import exif_segment, icc_segments, jpeg_with, plain_jpeg
from tests.metadata.profiles import (
    display_profile,
)

CAMERA_FIELDS = [
    ascii_field(0x010E, "Behind the old mill"),
    ascii_field(0x010F, "Imaginary  "),
    ascii_field(0x0110, "Obscura 35"),
    short(0x0112, 6),
    rational(0x011A, 300, 1),
    rational(0x011B, 300, 1),
    short(0x0128, 2),
    ascii_field(0x0131, "Darkroom 1.0"),
    ascii_field(0x0132, "2023:11:14 10:41:07"),
    ascii_field(0x013B, "A. Photographer"),
    ascii_field(0x013C, "bench"),
    rational(0x013E, 3127, 10000, 3290, 10000),
    rational(0x0211, 299, 1000, 587, 1000, 114, 1000),
    short(0x0213, 1),
    rational(0x0214, 0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1),
    short(0x4746, 4),
    short(0x4749, 75),
    ascii_field(0x8298, b"A. Photographer \0An editor"),
    byte(0x9C9B, *"Mühle\0".encode("utf-16-le")),
    byte(0x9C9C, *"remark\0".encode("utf-16-le")),
    byte(0x9C9D, *"author\0".encode("utf-16-le")),
    byte(0x9C9E, *"one;two\0".encode("utf-16-le")),
    byte(0x9C9F, *"subject\0".encode("utf-16-le")),
]


EXPOSURE_FIELDS = [
    rational(0x829A, 1, 250),
    rational(0x829D, 28, 10),
    short(0x8822, 2),
    short(0x8827, 400),
    short(0x8830, 2),
    long(0x8832, 400),
    undefined(0x9000, b"0232"),
    ascii_field(0x9003, "2023:11:14 10:41:05"),
    ascii_field(0x9004, "2023:11:14 10:41:06"),
    ascii_field(0x9010, "+01:00"),
    ascii_field(0x9011, "+02:00"),
    ascii_field(0x9012, "-03:30"),
    undefined(0x9101, b"\1\2\3\0"),
    srational(0x9201, 7965784, 1000000),
    rational(0x9202, 2970854, 1000000),
    srational(0x9203, -5, 3),
    srational(0x9204, -1, 3),
    rational(0x9205, 1, 1),
    rational(0x9206, 35, 10),
    short(0x9207, 5),
    short(0x9208, 1),
    short(0x9209, 0x19),
    rational(0x920A, 50, 1),
    short(0x9214, 10, 20, 30),
    undefined(0x9286, b"ASCII\0\0\0a comment  "),
    ascii_field(0x9290, "12"),
    ascii_field(0x9291, "34"),
    ascii_field(0x9292, "056"),
    undefined(0xA000, b"0100"),
    short(0xA001, 1),
    long(0xA002, 4000),
    short(0xA003, 3000),
    rational(0xA20E, 1000, 3),
    rational(0xA20F, 1000, 3),
    short(0xA210, 3),
    rational(0xA215, 3, 1),
    short(0xA217, 2),
    undefined(0xA300, b"\3"),
    undefined(0xA301, b"\1"),
    undefined(0xA302, b"\2\0\2\0\0\1\1\2"),
    short(0xA401, 0),
    short(0xA402, 1),
    short(0xA403, 1),
    rational(0xA404, 1, 1),
    short(0xA405, 75),
    short(0xA406, 2),
    short(0xA407, 1),
    short(0xA408, 2),
    short(0xA409, 1),
    short(0xA40A, 2),
    short(0xA40C, 2),
    ascii_field(0xA420, "0a1b2c"),
    ascii_field(0xA430, "Owner"),
    ascii_field(0xA431, "0012345"),
    rational(0xA432, 24, 1, 70, 1, 28, 10, 28, 10),
    ascii_field(0xA433, "Lens & Co"),
    ascii_field(0xA434, "24-70mm"),
    rational(0xA500, 22, 10),
]


PLACE_FIELDS = [
    byte(0, 2, 3, 0, 0),
    ascii_field(1, "N"),
    rational(2, 46, 1, 12, 1, 72, 10),
    ascii_field(3, "W"),
    rational(4, 6, 1, 9, 1, 0, 1),
    byte(5, 0),
    rational(6, 12345, 100),
    rational(7, 10, 1, 41, 1, 5, 1),
    ascii_field(8, "07"),
    ascii_field(9, "A"),
    ascii_field(10, "3"),
    rational(11, 25, 10),
    ascii_field(12, "K"),
    rational(13, 100, 3),
    ascii_field(14, "T"),
    rational(15, 9000, 100),
    ascii_field(16, "M"),
    rational(17, 12345, 1000),
    ascii_field(18, "WGS-84"),
    ascii_field(19, "S"),
    rational(20, 46, 1, 0, 1, 0, 1),
    ascii_field(21, "E"),
    rational(22, 6, 1, 0, 1, 0, 1),
    ascii_field(23, "T"),
    rational(24, 12, 1),
    ascii_field(25, "K"),
    rational(26, 12, 1),
    undefined(27, b"ASCII\0\0\0GPS"),
    ascii_field(29, "2023:11:14"),
    short(30, 1),
    rational(31, 5, 1),
]


INTEROP_FIELDS = [ascii_field(1, "R98"), undefined(2, b"0100"), short(0x1001, 100), short(0x1002, 90)]


THUMBNAIL_FIELDS = [short(0x0103, 6), rational(0x011A, 72, 1), rational(0x011B, 72, 1), short(0x0128, 2)]


def camera_block(order: Order = "<") -> bytes:
    """Every field above, in the directories where cameras write them."""
    return tiff_block(
        *CAMERA_FIELDS,
        exif=EXPOSURE_FIELDS,
        gps=PLACE_FIELDS,
        interop=INTEROP_FIELDS,
        ifd1=THUMBNAIL_FIELDS,
        thumbnail=plain_jpeg(),
        order=order,
    )


def camera_jpeg() -> bytes:
    """JFIF, EXIF and a profile in three parts."""
    return jpeg_with(exif_segment(camera_block()), *icc_segments(display_profile(), parts=3))


def small_block() -> bytes:
    return tiff_block(
        ascii_field(0x010F, "Maker"),
        short(0x0112, 6),
        rational(0x011A, 300, 1),
        rational(0x011B, 300, 1),
        short(0x0128, 2),
        exif=[short(0x8827, 100), rational(0x829D, 4, 1)],
    )


def noted_packet() -> bytes:
    return xmp_packet(
        "<dc:creator><rdf:Seq><rdf:li>One</rdf:li><rdf:li>Two &amp; a half</rdf:li></rdf:Seq></dc:creator>"
        '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Title</rdf:li><rdf:li xml:lang="fr">Titre</rdf:li></rdf:Alt>'
        "</dc:title><dc:subject><rdf:Bag><rdf:li>a</rdf:li><rdf:li>b</rdf:li></rdf:Bag></dc:subject>"
        '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">All</rdf:li></rdf:Alt></dc:rights>'
        "<dc:format>image/jpeg</dc:format><tiff:Make>XMP's</tiff:Make><xmp:Rating>5</xmp:Rating>"
        '<xmp:Nested rdf:parseType="Resource"><dc:format>inner</dc:format></xmp:Nested>',
        'xmp:CreateDate="2023-11-14T10:41:05+01:00" xmp:CreatorTool="Tool" photoshop:City="Paris"'
        ' xmp:ModifyDate="2023-11-14" xmp:MetadataDate="2023-11-14T10:41Z" tiff:Orientation="6" xmpMM:DocumentID="id1"'
        ' aux:Lens="Lens 1" xmpRights:Marked="True" photoshop:ICCProfile="sRGB" exif:PixelXDimension="77"'
        ' photoshop:DateCreated="2023"',
    )


def agency_records() -> bytes:
    fields = (
        (1, 90, b"\x1b%G"),
        (2, 0, b"\0\4"),
        (2, 5, "Objet é"),
        (2, 10, "5"),
        (2, 15, "A"),
        (2, 20, "s1"),
        (2, 20, "s2"),
        (2, 25, "k1"),
        (2, 25, "k2"),
        (2, 40, "none"),
        (2, 55, "20231114"),
        (2, 60, "104105+0100"),
        (2, 80, "One"),
        (2, 80, "Two"),
        (2, 90, "Town"),
        (2, 101, "France"),
        (2, 105, "Head"),
        (2, 110, "Credit"),
        (2, 115, "Source"),
        (2, 116, "(c)"),
        (2, 120, "Caption"),
        (2, 122, "Writer"),
    )
    return b"".join(iptc_field(*field) for field in fields)
