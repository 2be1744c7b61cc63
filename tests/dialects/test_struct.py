"""Struct's media URLs, word by word."""

import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from imgsvc.core.assets import AssetKind, AssetRef
from imgsvc.core.color import Color
from imgsvc.core.errors import InvalidParameter, NotFound
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Enlarge, Fit, FocalPoint, Gravity, Region
from imgsvc.core.requests import PictureRequest
from imgsvc.core.transform import AUTO, NOTHING_ASKED, Insets, Metadata, Transform
from imgsvc.dialects import spelling
from imgsvc.dialects.struct import read_media_url, read_transform, write_media_url
from imgsvc.dialects.words import WORDS
from tests.core.golden_sizes import GOLDEN_SIZES, Golden
from tests.fakes import make_asset, make_file

SLUG = "wuqj0ouk"
PRESETS: Mapping[str, Transform] = MappingProxyType(
    {
        "hero": Transform(width=1600, height=600, fit=Fit.COVER, quality=70),
        "icon": Transform(width=64),
        "boxed": Transform(width=800, height=800, enlarge=Enlarge.NEVER),
        "modest": Transform(width=800, height=800, enlarge=Enlarge.SKIP),
        "fitting": Transform(width=800, format=AUTO),
    }
)


def read(query: str) -> Transform:
    return read_transform(query, presets=PRESETS)


def request_of(query: str) -> PictureRequest:
    return read_media_url(SLUG, query, presets=PRESETS)


def refusal_of(query: str) -> InvalidParameter:
    with pytest.raises(InvalidParameter) as refused:
        read(query)
    return refused.value


READ = [
    ("", NOTHING_ASKED),
    ("width=300", Transform(width=300)),
    ("width=300px", Transform(width=300)),
    ("width=300PX", Transform(width=300)),
    ("width=299.5", Transform(width=300)),
    ("width=300.49", Transform(width=300)),
    ("width=0.5", Transform(width=1)),
    ("width=999999", Transform(width=999_999)),
    ("height=10", Transform(height=10)),
    ("maxwidth=300", Transform(max_width=300)),
    ("maxheight=300.5px", Transform(max_height=301)),
    ("mode=pad", NOTHING_ASKED),
    ("mode=boxpad", Transform(enlarge=Enlarge.NEVER)),
    ("mode=crop", Transform(fit=Fit.COVER)),
    ("mode=max", Transform(fit=Fit.INSIDE)),
    ("mode=min", Transform(fit=Fit.OUTSIDE, enlarge=Enlarge.NEVER)),
    ("mode=stretch", Transform(fit=Fit.FILL)),
    ("mode=BoxPad", Transform(enlarge=Enlarge.NEVER)),
    ("anchor=center", NOTHING_ASKED),
    ("anchor=top", Transform(gravity=Gravity.TOP)),
    ("anchor=right", Transform(gravity=Gravity.RIGHT)),
    ("anchor=bottom", Transform(gravity=Gravity.BOTTOM)),
    ("anchor=left", Transform(gravity=Gravity.LEFT)),
    ("anchor=topleft", Transform(gravity=Gravity.TOP_LEFT)),
    ("anchor=TopRight", Transform(gravity=Gravity.TOP_RIGHT)),
    ("anchor=bottomleft", Transform(gravity=Gravity.BOTTOM_LEFT)),
    ("anchor=bottomright", Transform(gravity=Gravity.BOTTOM_RIGHT)),
    ("center=0.25,0.75", Transform(focus=FocalPoint(x=Fraction(3, 4), y=Fraction(1, 4)))),
    ("center=0,1", Transform(focus=FocalPoint(x=Fraction(1), y=Fraction(0)))),
    ("center=.5%2C.5", Transform(focus=FocalPoint(x=Fraction(1, 2), y=Fraction(1, 2)))),
    ("crop=10,20,300,200", Transform(crop=Region(10, 20, 300, 200))),
    ("crop=10.5,20.4,300.5,200.4", Transform(crop=Region(11, 20, 301, 200))),
    ("crop=10,20,300,200&cropmode=pixels", Transform(crop=Region(10, 20, 300, 200))),
    (
        "crop=10,20,5,2.5&cropmode=percentage",
        Transform(crop=Insets(Fraction(1, 10), Fraction(1, 5), Fraction(1, 20), Fraction(1, 40))),
    ),
    (
        "crop=0.1,0.2,0.05,0&cropmode=Percentage",
        Transform(crop=Insets(Fraction(1, 10), Fraction(1, 5), Fraction(1, 20), Fraction(0))),
    ),
    ("cropmode=percentage", NOTHING_ASKED),
    ("upscale=true", NOTHING_ASKED),
    ("upscale=false", Transform(enlarge=Enlarge.SKIP)),
    ("upscale=False&mode=crop", Transform(fit=Fit.COVER, enlarge=Enlarge.SKIP)),
    ("upscale=0&mode=boxpad", Transform(enlarge=Enlarge.NEVER)),
    ("autorotate=true", NOTHING_ASKED),
    ("autorotate=false", Transform(upright=False)),
    ("quality=85", Transform(quality=85)),
    ("quality=100", Transform(quality=100)),
    ("quality=101", Transform(quality=100)),
    ("quality=0", Transform(quality=1)),
    ("quality=-7", Transform(quality=1)),
    ("format=jpg", Transform(format=Format.JPEG)),
    ("format=jpeg", Transform(format=Format.JPEG)),
    ("format=bmp", Transform(format=Format.BMP)),
    ("format=gif", Transform(format=Format.GIF)),
    ("format=png", Transform(format=Format.PNG)),
    ("format=png8", Transform(format=Format.PNG8)),
    ("format=tif", Transform(format=Format.TIFF)),
    ("format=tiff", Transform(format=Format.TIFF)),
    ("format=webp", Transform(format=Format.WEBP)),
    ("format=AVIF", Transform(format=Format.AVIF)),
    ("format=auto", Transform(format=AUTO)),
    ("format=Auto&width=30", Transform(format=AUTO, width=30)),
    ("bgcolor=f80", Transform(background=Color(255, 136, 0))),
    ("bgcolor=FF8800", Transform(background=Color(255, 136, 0))),
    ("bgcolor=%23ff8800", Transform(background=Color(255, 136, 0))),
    ("bgcolor=80ff8800", Transform(background=Color(255, 136, 0, 128))),
    ("bgcolor=%2380ff8800", Transform(background=Color(255, 136, 0, 128))),
    ("bgcolor=255,136,0", Transform(background=Color(255, 136, 0))),
    ("bgcolor=255,136,0,128", Transform(background=Color(255, 136, 0, 128))),
    ("bgcolor=White", Transform(background=Color(255, 255, 255))),
    ("bgcolor=deeppink", Transform(background=Color(255, 20, 147))),
    ("bgcolor=cadetblue", Transform(background=Color(95, 158, 160))),
    ("bgcolor=transparent", Transform(background=Color(0, 0, 0, 0))),
    ("metadata=keep", Transform(metadata=Metadata.KEEP)),
    ("metadata=Strip", NOTHING_ASKED),
    ("width=600&heightratio=0.416", Transform(width=600, height=250)),
    ("widthratio=2.4&height=250", Transform(width=600, height=250)),
    ("width=5&heightratio=0.5", Transform(width=5, height=3)),
    ("width=1&heightratio=0.1", Transform(width=1, height=1)),
    ("width=600&height=100&heightratio=0.5", Transform(width=600, height=100)),
    ("v=20260101", NOTHING_ASKED),
    ("rnd=77", NOTHING_ASKED),
    ("width=400&dpr=2", Transform(width=800)),
    ("width=401&height=3&DPR=1.5", Transform(width=602, height=5)),
    ("maxwidth=300&maxheight=200&dpr=0.5", Transform(max_width=150, max_height=100)),
    ("width=1000&dpr=1.100000023841858", Transform(width=1100)),
    ("width=1&dpr=0.1", Transform(width=1)),
    ("width=600&heightratio=0.416&dpr=2", Transform(width=1200, height=499)),
    ("preset=icon&dpr=3", Transform(width=192)),
    ("preset=300x&dpr=2", Transform(max_width=600)),
    ("dpr=2", NOTHING_ASKED),
    ("expires=1790000000&kid=2026b&signature=abc", NOTHING_ASKED),
    ("download=true", NOTHING_ASKED),
    ("preset=hero", PRESETS["hero"]),
]


@pytest.mark.parametrize(("query", "transform"), READ)
def test_a_word_is_read(query: str, transform: Transform) -> None:
    """Each with its values, defaults spelled out included."""
    assert read(query) == transform


def test_no_word_is_left_out_above() -> None:
    """A new row of `WORDS` needs its place there."""
    tried = {pair.partition("=")[0] for query, _ in READ for pair in query.split("&")}

    assert set(WORDS) <= tried


@pytest.mark.parametrize(
    "golden", GOLDEN_SIZES, ids=lambda golden: f"{golden.source.width}x{golden.source.height}?{golden.query}"
)
def test_the_queries_of_the_golden_sizes_are_read(golden: Golden) -> None:
    """So that they hold from the URL to the last px."""
    assert read(golden.query) == golden.transform


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Width=0", "Width"),
        ("width=", "width"),
        ("width", "width"),
        ("width=-300", "width"),
        ("width=300em", "width"),
        ("width=3e2", "width"),
        ("width=0.4", "width"),
        ("width=1000000", "width"),
        ("width=999999.5", "width"),
        ("width=" + "9" * 5000, "width"),
        ("width=1." + "0" * 5000, "width"),
        ("width=%D9%A3", "width"),
        ("width=300%00", "width"),
        ("width=%zz", "width"),
        ("width=%FF", "width"),
        ("HEIGHT=tall", "HEIGHT"),
        ("maxWidth=0", "maxWidth"),
        ("maxHeight=x", "maxHeight"),
        ("mode=fit", "mode"),
        ("mode=", "mode"),
        ("anchor=middle", "anchor"),
        ("center=0.5", "center"),
        ("center=0.5,0.5,0.5", "center"),
        ("center=2,0", "center"),
        ("center=-1,0", "center"),
        ("crop=1,2,3", "crop"),
        ("crop=1,2,3,4,5", "crop"),
        ("crop=a,b,c,d", "crop"),
        ("crop=-1,0,10,10", "crop"),
        ("crop=0,0,0,10", "crop"),
        ("crop=0,0,10,0.4", "crop"),
        ("Crop=50,0,50,0&cropmode=percentage", "Crop"),
        ("crop=0,101,0,0&cropmode=percentage", "crop"),
        ("crop=0,0,1,0&cropmode=percentage", "crop"),
        ("cropMode=percent", "cropMode"),
        ("upscale=maybe", "upscale"),
        ("autorotate=", "autorotate"),
        ("quality=high", "quality"),
        ("quality=", "quality"),
        ("quality=-", "quality"),
        ("quality=--1", "quality"),
        ("format=svg", "format"),
        ("format=heic", "format"),
        ("format=", "format"),
        ("bgColor=redd", "bgColor"),
        ("bgcolor=", "bgcolor"),
        ("bgcolor=ffff", "bgcolor"),
        ("bgcolor=256,0,0", "bgcolor"),
        ("bgcolor=1,2", "bgcolor"),
        ("metadata=copyright", "metadata"),
        ("widthratio=0&height=5", "widthratio"),
        ("heightRatio=x&width=5", "heightRatio"),
        ("heightRatio=0.5", "heightRatio"),
        ("widthratio=0.5&width=5&heightratio=0&", "heightratio"),
        ("preset=nobody", "preset"),
        ("Preset=0x0", "Preset"),
        ("download=perhaps", "download"),
        ("v=%00", "v"),
        ("Dpr=0", "Dpr"),
        ("dpr=0.09", "dpr"),
        ("dpr=10.01", "dpr"),
        ("dpr=two", "dpr"),
        ("dpr=2x", "dpr"),
        ("dpr=.5", "dpr"),
        ("width=999999&DPR=2", "DPR"),
        ("expires=soon", "expires"),
        ("expires=-1", "expires"),
        ("expires=" + "9" * 12, "expires"),
    ],
    ids=lambda text: text[:40],
)
def test_a_bad_value_is_refused_under_the_name_as_it_was_spelled(query: str, name: str) -> None:
    """A known word is never ignored."""
    assert refusal_of(query).name == name


@pytest.mark.parametrize("query", ["quality=85.5", "quality=0.5"])
def test_a_quality_is_a_whole_number(query: str) -> None:
    """The sentence says so; half a step is not cut off in silence."""
    assert refusal_of(query).name == "quality"


SOME_WORDS = (
    "width=300",
    "height=200",
    "maxwidth=900",
    "mode=crop",
    "anchor=top",
    "bgcolor=red",
    "format=webp",
    "quality=80",
    "crop=0,0,500,500",
    "cropmode=pixels",
    "upscale=false",
    "heightratio=2",
    "preset=hero",
    "dpr=1.5",
)


@given(st.lists(st.sampled_from(SOME_WORDS), unique=True), st.randoms(use_true_random=False))
def test_order_does_not_matter(words: list[str], chance: random.Random) -> None:
    """Not even that of `bgcolor` and `width`, which it does in the vendor's engine."""
    words = [word for word in words if word != "heightratio=2" or "width=300" in words]
    shuffled = chance.sample(words, len(words))

    assert read("&".join(shuffled)) == read("&".join(words))


@given(st.lists(st.sampled_from(SOME_WORDS[:11]), unique=True), st.randoms(use_true_random=False))
def test_the_case_of_names_does_not_matter(words: list[str], chance: random.Random) -> None:
    """`maxWidth`, `maxwidth`, `MAXWIDTH`."""
    spelled = [
        "".join(chance.choice((letter.upper(), letter)) for letter in name) + "=" + value
        for name, _, value in (word.partition("=") for word in words)
    ]

    assert read("&".join(spelled)) == read("&".join(words))


@given(
    st.lists(st.sampled_from(SOME_WORDS[:11]), unique=True),
    st.lists(st.tuples(st.text("abcXYZ_.-", min_size=1), st.text("abc019"))),
)
def test_unknown_words_are_ignored(words: list[str], others: list[tuple[str, str]]) -> None:
    """They are no part of what is asked."""
    unknown = [f"x{name}={value}" for name, value in others]

    assert request_of("&".join(unknown + words)) == request_of("&".join(words))


@pytest.mark.parametrize(
    ("query", "width"),
    [("width=100&width=300", 300), ("width=wide&WIDTH=300", 300), ("Width=1&width=2&wIdth=300", 300)],
)
def test_the_last_of_a_name_wins(query: str, width: int) -> None:
    """In any case of letters; what it overrules is not even looked at."""
    assert read(query) == Transform(width=width)


def test_a_bad_last_one_is_told_as_it_was_spelled() -> None:
    """Not as the first one was."""
    assert refusal_of("width=300&WIDTH=wide").name == "WIDTH"


@pytest.mark.parametrize(
    ("query", "transform"),
    [
        ("preset=600x600", Transform(max_width=600, max_height=600)),
        ("preset=1920x", Transform(max_width=1920)),
        ("preset=x480&format=webp", Transform(max_height=480, format=Format.WEBP)),
        ("preset=HERO&quality=50", replace(PRESETS["hero"], quality=50)),
        ("width=300&preset=hero", replace(PRESETS["hero"], width=300)),
        ("preset=hero&mode=max", replace(PRESETS["hero"], fit=Fit.INSIDE)),
        ("preset=600x600&maxwidth=300", Transform(max_width=300, max_height=600)),
        ("preset=hero&preset=x480", Transform(max_height=480)),
        ("preset=fitting", PRESETS["fitting"]),
        ("preset=fitting&format=gif", replace(PRESETS["fitting"], format=Format.GIF)),
        ("preset=hero&format=auto", replace(PRESETS["hero"], format=AUTO)),
        ("preset=modest&upscale=true", replace(PRESETS["modest"], enlarge=Enlarge.ALWAYS)),
        ("preset=hero&upscale=false", replace(PRESETS["hero"], enlarge=Enlarge.SKIP)),
    ],
)
def test_words_overrule_a_preset(query: str, transform: Transform) -> None:
    """Wherever they stand; what they do not name stays the preset's."""
    assert read(query) == transform


def test_a_boxpad_preset_stays_one_without_upscaling() -> None:
    """`upscale` does not concern boxpad, be it said in the query or in the preset."""
    assert read("preset=boxed&upscale=false") == PRESETS["boxed"]


@pytest.mark.parametrize(
    ("query", "download", "pinned"),
    [
        ("", False, False),
        ("download=true", True, False),
        ("download=false", False, False),
        ("v=1", False, True),
        ("RND=", False, True),
        ("rnd=1&download=1", True, True),
    ],
)
def test_words_beside_the_picture_are_kept_apart(query: str, download: bool, pinned: bool) -> None:
    """They say how it is answered, not what it shows."""
    request = request_of(query)

    assert (request.download, request.pinned) == (download, pinned)
    assert request.transform == NOTHING_ASKED


def test_a_slug_names_the_asset() -> None:
    """And nothing of a canonical or redirected URL is in a media URL."""
    assert request_of("width=300") == PictureRequest(ref=AssetRef(AssetKind.SLUG, SLUG), transform=Transform(width=300))
    assert request_of("Preset=Thumbnail").preset == "thumbnail"


@pytest.mark.parametrize(
    "slug", ["", "wuqj0ou", "wuqj0oukk", "WUQJ0OUK", "wuqj0ou9", "wuqj/ouk", "wuqj0ou\0", "wuqj0où"]
)
def test_what_is_no_slug_is_not_found(slug: str) -> None:
    """Eight characters of a-z and 0-5."""
    with pytest.raises(NotFound):
        read_media_url(slug, "", presets={})


def test_a_media_url_is_made_of_slug_and_file_name() -> None:
    """The extension is that of the bytes, whatever the upload was called."""
    asset = make_asset("Struct Logo.JPEG")

    assert write_media_url(asset) == "/media/wuqj0ouk/struct-logo.png"


@pytest.mark.parametrize(
    ("name", "written"), [("Size Chart.PDF", "size-chart.pdf"), ("LICENSE", "license"), ("a.b/c.tar.gz", "c-tar.gz")]
)
def test_a_file_that_is_no_picture_keeps_its_extension(name: str, written: str) -> None:
    """There is no format to take it from; none where it has none."""
    assert write_media_url(make_asset(name, original=make_file())) == f"/media/wuqj0ouk/{written}"


def queries() -> SearchStrategy[str]:
    """Known words with likely and unlikely values, and plain noise."""
    number = st.integers(-5, 1_000_001).map(str) | st.decimals(0, 1_000_000, places=3).map(str)
    value = (
        number
        | st.lists(number, min_size=2, max_size=5).map(",".join)
        | st.decimals(0, 1, places=4).map(str)
        | st.sampled_from(["crop", "min", "percentage", "false", "webp", "topleft", "80ff0000", "600x600", "hero", "%"])
        | st.text(max_size=8)
    )
    name = st.sampled_from(sorted(WORDS)) | st.sampled_from(["maxWidth", "utm_source", "%77idth", ""])
    pair = st.builds("{}={}".format, name, value)
    return st.lists(pair, max_size=6).map("&".join) | st.text(max_size=40)


@given(queries())
def test_any_query_is_a_request_or_a_bad_parameter(query: str) -> None:
    """No other exception, whatever is sent."""
    with suppress(InvalidParameter):
        assert isinstance(request_of(query), PictureRequest)


@given(queries())
@example("crop=999999.5,0,10,10")
def test_what_a_query_asks_can_be_spelled_canonically(query: str) -> None:
    """A redirect that this service writes is one that it can read."""
    try:
        transform = read(query)
    except InvalidParameter:
        return

    assert spelling.read_transform(spelling.write_transform(transform)) == transform


def test_a_ratio_gives_no_side_that_could_not_be_given_itself() -> None:
    """999999 px are the longest side there is a word for."""
    assert refusal_of("width=999999&heightRatio=3").name == "heightRatio"
