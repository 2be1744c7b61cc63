"""Where each face is: what operators write, what cannot be meant, and which address is whose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.places import DEFAULT_PLACES, FACES, Face, Place, check_places, inner_path, place_from_text

HOSTS = ["api.shop.example", "cdn.shop.example:8080", "shop.example", ""]
PLACES = {
    **DEFAULT_PLACES,
    Face.STRUCT: Place("api.shop.example", ""),
    Face.IQMETRIX: Place("api.shop.example", "/iq"),
    Face.CDN: Place("cdn.shop.example", ""),
    Face.MEDIA: Place(None, "/pictures"),
    Face.QOOLY: Place("api.shop.example", "/q"),
}

segments = st.sampled_from(
    [*FACES, "assets", "api", "v1", "media", "images", "cdn", "pictures", "iq", "", "x", "healthz"]
)
paths = st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(parts)) | st.text(max_size=20).map("/".__add__)


def read_or_refused(text: str) -> Place | None:
    """None where it is refused."""
    try:
        return place_from_text(text)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/pim", Place(None, "/pim")),
        ("/pim/v2/", Place(None, "/pim/v2")),
        ("/", Place(None, "")),
        ("api.shop.example", Place("api.shop.example", "")),
        ("api.shop.example/", Place("api.shop.example", "")),
        ("shop.example:8080/pim", Place("shop.example:8080", "/pim")),
        ("localhost", Place("localhost", "")),
        ("10.0.0.1:8080", Place("10.0.0.1:8080", "")),
        ("  /pim  ", Place(None, "/pim")),
    ],
)
def test_a_place_is_a_host_a_prefix_or_both(text: str, place: Place) -> None:
    """A prefix has no slash at its end."""
    assert place_from_text(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "//", "//shop.example", "/a//b", "http://shop.example", "shop.example?x", "/pim?x", "/pim#x", "/a b",
        "shop.example:", "shop.example:port", "-shop.example", ".shop.example", "shop.example-/x", "/größe", "/a%20b",
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_meant_is_refused(text: str) -> None:
    assert read_or_refused(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_place_or_refused(text: str) -> None:
    """What is read is written down alike and read again as the same."""
    place = read_or_refused(text)

    if place is None:
        return
    assert place.prefix == "" or place.prefix.startswith("/")
    assert not place.prefix.endswith("/")
    assert place_from_text(f"{place.host or ''}{place.prefix or '/'}") == place


def test_the_default_places_do_not_stand_against_each_other() -> None:
    check_places(DEFAULT_PLACES)
    check_places(PLACES)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {Face.STRUCT: Place(None, ""), Face.IQMETRIX: Place(None, "")},
            "struct and iqmetrix cannot both be at /assets",
        ),
        ({Face.STRUCT: Place(None, "/iqmetrix")}, "struct and iqmetrix cannot both be at /iqmetrix/assets"),
        (
            {Face.STRUCT: Place("a.example", "/x"), Face.IQMETRIX: Place("a.example", "/x")},
            "struct and iqmetrix cannot both be at a.example/x/assets",
        ),
        ({Face.CDN: Place(None, "")}, "cdn takes any path and needs a prefix or a host of its own"),
        ({Face.CDN: Place(None, "/media")}, "media and cdn cannot both be at /media"),
    ],
)
def test_two_faces_at_one_address_are_refused(changed: dict[Face, Place], says: str) -> None:
    """In words for the operator."""
    with pytest.raises(ValueError, match=f"^{says}$"):
        check_places({**DEFAULT_PLACES, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {Face.STRUCT: Place(None, "")},
        {Face.STRUCT: Place("a.example", ""), Face.IQMETRIX: Place("b.example", "")},
        {Face.STRUCT: Place("a.example", ""), Face.IQMETRIX: Place(None, "")},
        {Face.STRUCT: Place(None, "/x"), Face.QUABLE: Place(None, "/x"), Face.QOOLY: Place(None, "/x")},
        {Face.CDN: Place("a.example", ""), Face.MEDIA: Place("a.example", "")},
    ],
)
def test_faces_that_can_be_told_apart_are_taken(changed: dict[Face, Place]) -> None:
    """By host, by prefix, or by what the vendor's own paths begin with."""
    check_places({**DEFAULT_PLACES, **changed})


@given(st.sampled_from(HOSTS), paths)
def test_at_default_places_every_path_is_where_the_service_has_it(host: str, path: str) -> None:
    """Whatever the host, whatever the path."""
    assert inner_path(DEFAULT_PLACES, host, path) == path


@pytest.mark.parametrize(
    ("host", "path", "inner"),
    [
        ("api.shop.example", "/assets", "/struct/assets"),
        ("api.shop.example", "/assets/7/links", "/struct/assets/7/links"),
        ("api.shop.example", "/iq/assets/x", "/iqmetrix/assets/x"),
        ("api.shop.example", "/q/v1/files", "/qooly/v1/files"),
        ("api.shop.example", "/assetsandmore", "/assetsandmore"),
        ("api.shop.example", "/quable/api/assets", "/quable/api/assets"),
        ("api.shop.example", "/images/x", "/images/x"),
        ("api.shop.example", "/pictures/media/s/x.png", "/media/s/x.png"),
        ("api.shop.example", "/healthz", "/healthz"),
        ("cdn.shop.example", "/shop/code/original/x.png", "/cdn/shop/code/original/x.png"),
        ("cdn.shop.example", "/healthz", "/cdn/healthz"),
        ("cdn.shop.example", "/", "/cdn/"),
        ("shop.example", "/pictures/media/s/x.png", "/media/s/x.png"),
        ("shop.example", "/pictures/other", "/pictures/other"),
        ("shop.example", "/images/x", "/images/x"),
        ("shop.example", "/healthz", "/healthz"),
        ("shop.example", "/", "/"),
        # Elsewhere now:
        ("shop.example", "/struct/assets", None),
        ("api.shop.example", "/struct/assets/7", None),
        ("shop.example", "/iqmetrix/assets", None),
        ("shop.example", "/media/s/x.png", None),
        ("shop.example", "/cdn/shop/code/original/x.png", None),
        ("shop.example", "/qooly/v1/files", None),
        # Only where a face is:
        ("shop.example", "/assets", "/assets"),
        ("other.shop.example:8080", "/assets", "/assets"),
        # Whatever port it is asked at:
        ("api.shop.example:8080", "/assets", "/struct/assets"),
    ],
)
def test_a_face_is_at_its_place_and_nowhere_else(host: str, path: str, inner: str | None) -> None:
    """The very host goes before any, the longest beginning before a shorter one."""
    assert inner_path(PLACES, host, path) == inner


def test_the_very_host_goes_before_any() -> None:
    """Though the beginning is shorter."""
    places = {**DEFAULT_PLACES, Face.CDN: Place("cdn.shop.example", "")}

    assert inner_path(places, "cdn.shop.example", "/images/x/y/z.png") == "/cdn/images/x/y/z.png"
    assert inner_path(places, "shop.example", "/images/x/y/z.png") == "/images/x/y/z.png"


@given(st.sampled_from(sorted(Face)), st.sampled_from([None, "a.example"]), st.sampled_from(["/x", "/x/y"]), paths)
def test_what_is_below_a_face_is_below_it_wherever_it_is(face: Face, host: str | None, prefix: str, rest: str) -> None:
    """The same rest of a path, at its place and inside; and no longer where it was."""
    places = {**DEFAULT_PLACES, face: Place(host, prefix)}
    row = FACES[face]

    assert inner_path(places, host or "shop.example", f"{prefix}{row.root}{rest}") == f"{row.prefix}{row.root}{rest}"
    assert inner_path(places, "shop.example", f"{row.prefix}{row.root}{rest}") is None
