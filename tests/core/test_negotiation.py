"""Accept headers as clients send them, and what is chosen for which original."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imgsvc.core.assets import ImageInfo
from imgsvc.core.color import WHITE, Color
from imgsvc.core.formats import FORMATS, Format
from imgsvc.core.geometry import Size
from imgsvc.core.negotiation import LONGEST_ACCEPT, Accepted, Choice, accepted_by, choose_format, read_accept
from tests.strategies import image_infos

NEITHER, WEBP, AVIF, BOTH = Accepted.NEITHER, Accepted.WEBP, Accepted.AVIF, Accepted.BOTH

SENT: Mapping[str, tuple[bytes, Accepted]] = MappingProxyType(
    {
        "Chrome, an img": (b"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", BOTH),
        "Chrome, the address bar": (
            (
                b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
                b"application/signed-exchange;v=b3;q=0.7"
            ),
            BOTH,
        ),
        "Chrome 80": (b"image/webp,image/apng,image/*,*/*;q=0.8", WEBP),
        "Firefox": (b"image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", BOTH),
        "Firefox 100": (b"image/avif,image/webp,*/*", BOTH),
        "Firefox 80": (b"image/webp,*/*", WEBP),
        "Safari with AVIF": (
            (
                b"image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/svg+xml,"
                b"image/*;q=0.8,*/*;q=0.5"
            ),
            BOTH,
        ),
        "Safari without": (b"image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", WEBP),
        "Safari 13": (b"image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", NEITHER),
        "curl": (b"*/*", NEITHER),
        "nobody": (b"", NEITHER),
    }
)
"""By client; the list of default values at MDN, "Accept", and what old versions sent."""


@pytest.mark.parametrize(("header", "accepted"), SENT.values(), ids=SENT)
def test_what_clients_send_is_understood(header: bytes, accepted: Accepted) -> None:
    assert read_accept(header) is accepted


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"image/avif;q=0, image/webp", WEBP),
        (b"image/avif;q=0.000, image/webp;q=0.0", NEITHER),
        (b"image/*, image/webp;q=0", NEITHER),
        (b"image/avif;q=0.5", AVIF),
        (b"image/avif;q=0.001, image/*;q=0", AVIF),
        (b"image/avif;q=0.8, image/webp;q=0.9", WEBP),
        (b"image/avif;q=0.9, image/webp;q=0.8", BOTH),
        (b"image/avif;q=0.9, image/webp;q=0.5, */*;q=0.7", AVIF),
        (b"image/webp;q=0.8, image/*", NEITHER),
        (b"image/webp;q=0.8, */*;q=0.8", WEBP),
        (b"image/webp;q=0.8, */*, image/*;q=0.1", WEBP),
        (b"image/webp;q=0.5, image/png", WEBP),
        (b"image/webp;q=0.5, image/png, image/jpeg, image/gif", NEITHER),
        (b"image/webp, image/webp;q=0", NEITHER),
    ],
)
def test_weights_decide(header: bytes, accepted: Accepted) -> None:
    """0 excludes; a format is put aside for one that is weighed more, and for the others where all of them are.

    The most specific range that is there gives a format's weight (RFC 9110, section 12.5.1).
    """
    assert read_accept(header) is accepted


@pytest.mark.parametrize(
    "entry",
    [
        b"image/avif;q=1.1",
        b"image/avif;q=2",
        b"image/avif;q=-1",
        b"image/avif;q=.5",
        b"image/avif;q=0.5555",
        b"image/avif;q=1.001",
        b"image/avif;q=",
        b"image/avif;q",
        b"image/avif;q=high",
        b"image/avif;q = 1",
        b"image/avif; profile=0",
        b"image/avif; profile=0; q=1",
        b"image avif",
        b"image/avif/",
        b"image//avif",
        b"/avif",
        b"avif",
        b"*/avif",
        b"image/avif webp",
        b'"image/avif"',
        b'x="image/avif, image/avif',
        b'text/html;x="a\\", image/avif,"',
        b"image/avif\xff",
        b"image/avif\0",
    ],
)
def test_what_is_malformed_or_narrower_counts_for_nothing(entry: bytes) -> None:
    """And spoils nothing beside it."""
    assert read_accept(b"image/webp, " + entry) is WEBP
    assert read_accept(entry) is NEITHER


@pytest.mark.parametrize(
    "header",
    [
        b"IMAGE/AVIF;Q=0.5",
        b" image/avif\t;\tq=0.5 ",
        b",, image/avif ,,",
        b"image/avif;;q=0.7;",
        b"image/avif;q=1.000",
        b"image/avif;q=1.",
        b"image/avif;q=0.5;level=3",
        b'text/html;x="a, b";q=0.3,image/avif',
        b'text/html;x="",image/avif,text/plain;x="\\""',
    ],
)
def test_what_may_be_written_differently_means_the_same(header: bytes) -> None:
    """Case, space, empty entries, and what RFC 7231 allowed behind a weight."""
    assert read_accept(header) is AVIF


def test_several_headers_are_one_list() -> None:
    """RFC 9110, section 5.3."""
    headers = [
        (b"host", b"x"),
        (b"accept", b"image/avif"),
        (b"accept-language", b"image/x"),
        (b"accept", b"image/webp"),
    ]

    assert accepted_by(headers) is BOTH
    assert accepted_by(headers[:1]) is NEITHER


@pytest.mark.parametrize("padding", [b"text/x, ", b" ", b"x", b'"', b"\\"])
def test_of_a_long_header_the_beginning_is_read(padding: bytes) -> None:
    """What stands behind is not, whatever it is: an entry that is cut might mean the contrary."""
    header = b"image/avif," + padding * LONGEST_ACCEPT

    assert read_accept(header + b",image/webp") is AVIF
    assert read_accept(padding * LONGEST_ACCEPT + b",image/webp") is NEITHER


def test_an_entry_on_the_edge_is_whole_or_left_out() -> None:
    """`image/avif;q=0` never becomes `image/avif`."""
    for length in range(LONGEST_ACCEPT - 30, LONGEST_ACCEPT + 30):
        assert read_accept(b"text/html;" + b"x" * length + b",image/avif;q=0,image/webp") in (NEITHER, WEBP)
        assert read_accept(b"t" * length + b",image/avif") in (NEITHER, AVIF)


def weights() -> st.SearchStrategy[bytes]:
    return st.sampled_from([b"", b";q=0", b";q=0.3", b";q=0.30", b"; q=0.7", b";q=1", b";q=7", b";v=b3;q=0.7"])


def entries() -> st.SearchStrategy[bytes]:
    ranges = [b"image/avif", b"image/webp", b"image/png", b"image/jpeg", b"image/gif", b"image/*", b"*/*", b"text/html"]
    return st.builds(bytes.__add__, st.sampled_from(ranges), weights())


@given(st.binary() | st.lists(st.sampled_from(b'",;=/\\*aqif. 01'), max_size=2000).map(bytes))
def test_any_header_has_a_class(header: bytes) -> None:
    """Nothing is raised."""
    assert read_accept(header) in Accepted


@given(st.lists(entries(), max_size=8).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
def test_order_does_not_matter(orders: tuple[list[bytes], list[bytes]]) -> None:
    """Weights say what is preferred, not places."""
    one, other = orders

    assert read_accept(b",".join(one)) is read_accept(b",".join(other))


@given(st.lists(entries(), max_size=8), st.sampled_from([b"avif", b"webp"]))
def test_what_is_excluded_is_never_accepted(given_: list[bytes], name: bytes) -> None:
    """Whatever else the header says."""
    header = b",".join([*given_, b"image/" + name + b";q=0"])

    assert name.decode() not in read_accept(header).value


@given(st.lists(entries(), max_size=8))
def test_a_class_written_as_a_header_is_that_class(given_: list[bytes]) -> None:
    """A cache in front may put one such header in place of all of its class."""
    accepted = read_accept(b",".join(given_))
    normal = {NEITHER: b"*/*", WEBP: b"image/webp", AVIF: b"image/avif", BOTH: b"image/avif,image/webp"}

    assert read_accept(normal[accepted]) is accepted


def picture(source: Format, *, has_alpha: bool = False, frames: int = 1) -> ImageInfo:
    return ImageInfo(format=source, size=Size(60, 40), has_alpha=has_alpha, frames=frames)


@pytest.mark.parametrize(
    ("info", "family"),
    [
        (picture(Format.JPEG), Format.JPEG),
        (picture(Format.PNG), Format.PNG),
        (picture(Format.PNG, has_alpha=True), Format.PNG),
        (picture(Format.GIF), Format.GIF),
        (picture(Format.WEBP), Format.JPEG),
        (picture(Format.WEBP, has_alpha=True), Format.PNG),
        (picture(Format.AVIF), Format.JPEG),
        (picture(Format.AVIF, has_alpha=True), Format.PNG),
        (picture(Format.TIFF), Format.JPEG),
        (picture(Format.TIFF, has_alpha=True), Format.PNG),
        (picture(Format.BMP), Format.JPEG),
        (picture(Format.BMP, has_alpha=True), Format.PNG),
        (picture(Format.SVG, has_alpha=True), Format.PNG),
    ],
    ids=lambda value: f"{value.format}{' with alpha' * value.has_alpha}" if isinstance(value, ImageInfo) else value,
)
def test_a_still_is_avif_webp_or_what_every_browser_shows(info: ImageInfo, family: Format) -> None:
    """AVIF first where both are accepted, and then what is next is there instead."""
    assert choose_format(info, BOTH) == Choice(Format.AVIF, instead=Format.WEBP)
    assert choose_format(info, AVIF) == Choice(Format.AVIF, instead=family)
    assert choose_format(info, WEBP) == Choice(Format.WEBP)
    assert choose_format(info, NEITHER) == Choice(family)


@pytest.mark.parametrize("source", [Format.GIF, Format.WEBP])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_an_animation_stays_one(source: Format, has_alpha: bool) -> None:
    """AVIF is written as a still alone."""
    info = picture(source, has_alpha=has_alpha, frames=3)

    assert choose_format(info, BOTH) == choose_format(info, WEBP) == Choice(Format.WEBP)
    assert choose_format(info, AVIF) == choose_format(info, NEITHER) == Choice(Format.GIF)


@pytest.mark.parametrize(
    ("background", "family"), [(WHITE, Format.JPEG), (Color(255, 0, 0, 254), Format.PNG), (None, Format.PNG)]
)
def test_alpha_on_an_opaque_ground_is_none(background: Color | None, family: Format) -> None:
    """What is flattened needs no format with alpha."""
    info = picture(Format.TIFF, has_alpha=True)

    assert choose_format(info, NEITHER, background=background).format is family


@given(image_infos(), st.sampled_from(Accepted))
def test_what_is_chosen_can_show_it(info: ImageInfo, accepted: Accepted) -> None:
    """It is written here, is named or shown by all, and keeps alpha and frames; so does what is there instead."""
    assume(info.format is not Format.JPEG or not info.has_alpha)
    assume(FORMATS[info.format].animation or info.frames == 1)

    for output in filter(None, choose_format(info, accepted)):
        row = FORMATS[output]
        assert row.encodes
        assert output.value in accepted.value or output in (Format.JPEG, Format.PNG, Format.GIF)
        assert row.alpha or not info.has_alpha
        assert row.animation or info.frames == 1
