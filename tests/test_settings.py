"""Settings: each row reads what it says it expects, and every mistake is told at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.color import Color
from imgsvc.core.geometry import Fit
from imgsvc.core.ladder import Ladder
from imgsvc.core.places import DEFAULT_PLACES, Face, Place
from imgsvc.core.purges import HookAddress, HookKind
from imgsvc.core.signing import SigningKey
from imgsvc.core.transform import Transform
from imgsvc.settings import SETTINGS, SettingsError, load_settings, variable_name
from imgsvc.web.caching import TagHeader, UrlClass


def mistakes(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings(environment)
    return str(refused.value).splitlines()


def test_nothing_has_to_be_set() -> None:
    """Every default is a value that its own row reads."""
    settings = load_settings({})

    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 1)
    assert settings.token is None
    assert settings.public_url is None
    assert settings.cache_bytes == 10 * 1024**3
    assert settings.background == Color(255, 255, 255)


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    """Compose files and unit files cannot leave one out."""
    assert load_settings({variable_name(field): "" for field in SETTINGS}) == load_settings({})


def test_what_is_given_as_an_option_wins() -> None:
    """None is no option."""
    environment = {"IMGSVC_PORT": "1", "IMGSVC_WORKERS": "2"}

    settings = load_settings(environment, port="3", workers=None)

    assert (settings.port, settings.workers) == (3, 2)


def test_every_mistake_is_told_at_once() -> None:
    """Unknown names first, each with the nearest that there is; then values in the order of the table."""
    found = mistakes({"IMGSVC_PRT": "1", "IMGSVC_XYZZY": "1", "IMGSVC_WORKERS": "0", "IMGSVC_PORT": "a", "PATH": "x"})

    assert found == [
        "IMGSVC_PRT is not a setting. Is IMGSVC_PORT meant?",
        "IMGSVC_XYZZY is not a setting.",
        "IMGSVC_PORT must be a port from 0 to 65535; it is 'a'.",
        "IMGSVC_WORKERS must be a whole number from 1 to 256; it is '0'.",
    ]


def test_hooks_have_a_kind_and_an_address() -> None:
    """As many as there are caches in front, of a kind, too; a colon in the address is its own."""
    settings = load_settings(
        {"IMGSVC_PURGE_HOOKS": "varnish: http://a:6081; varnish: http://b/ ;webhook:https://c/d?e=f"}
    )

    assert settings.purge_hooks == (
        HookAddress(HookKind.VARNISH, "http://a:6081"),
        HookAddress(HookKind.VARNISH, "http://b/"),
        HookAddress(HookKind.WEBHOOK, "https://c/d?e=f"),
    )


@pytest.mark.parametrize("text", ["http://a", "squid: http://a", "varnish: a:6081", "varnish:", "webhook: ftp://a"])
def test_what_is_no_hook_is_refused(text: str) -> None:
    (mistake,) = mistakes({"IMGSVC_PURGE_HOOKS": text})

    assert mistake.startswith("IMGSVC_PURGE_HOOKS must be kind: URL; kind: URL, with kinds of varnish, webhook;")


@pytest.mark.parametrize("name", ["IMGSVC_port", "IMGSVC_Workers"])
def test_a_name_in_another_case_is_not_passed_over(name: str) -> None:
    """Variables are told apart by case: it would be set and mean nothing."""
    assert mistakes({name: "3"}) == [f"{name} is not a setting. Is {name.upper()} meant?"]


@pytest.mark.parametrize("field", SETTINGS)
def test_a_row_says_what_it_is(field: str) -> None:
    """Both sentences are shown to people."""
    row = SETTINGS[field]

    assert row.expected
    assert row.meaning


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500000", 500_000),
        ("64MB", 64 << 20),
        ("64 mb", 64 << 20),
        ("10G", 10 << 30),
        ("1K", 1024),
        ("2TB", 2 << 40),
    ],
)
def test_bytes_are_read_with_their_unit(text: str, size: int) -> None:
    """Powers of 1024, in any case, with or without a space."""
    assert load_settings({"IMGSVC_CACHE_BYTES": text}).cache_bytes == size


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("cache_bytes", "-1"), ("cache_bytes", "1.5GB"), ("cache_bytes", "MB"), ("cache_bytes", "9" * 20),
        ("port", "65536"), ("port", "-1"), ("port", "80.0"), ("workers", "0"), ("workers", "257"),
        ("render_deadline", "0"), ("render_deadline", "-1"), ("render_deadline", "nan"), ("render_deadline", "inf"),
        ("render_deadline", "3601"), ("quality_jpeg", "0"), ("quality_jpeg", "101"), ("max_output_side", "16384"),
        ("public_url", "pictures.example"), ("public_url", "ftp://pictures.example"), ("public_url", "https://"),
        ("public_url", "https://x/?a=b"), ("public_url", "https://[x"), ("background", "nocolour"),
        ("background", "transparent"), ("background", "ffffff80"), ("strip_originals", "maybe"),
        ("strip_originals", "1"), ("instance", "Shop"), ("instance", "a b"), ("instance", "a" * 64),
        ("import_hosts", "*"), ("import_hosts", "a b"), ("import_hosts", "shop.*"), ("import_private", "yes"),
        ("proxies", "10.0.0.1/8"), ("proxies", "proxy.local"), ("proxies", "*"), ("proxies", "10.0.0.1,"),
        ("client_renders", "-1"), ("client_renders", "nan"), ("client_renders_at_once", "-1"),
        ("import_deadline", "0"), ("link_seconds", "0"),
        ("places", "struct"), ("places", "nobody: /x"),
        ("signatures", "on"), ("signatures", "Required"), ("unsigned", "nothing"), ("off_ladder", "up"),
        ("ladder", "160,"), ("ladder", "0"), ("ladder", "160;320"), ("ladder", ",".join(map(str, range(1, 102)))),
        ("lifetimes", "pinned"), ("lifetimes", "pinned: x"), ("lifetimes", "canonical: 5"),
        ("lifetimes", "missing: -1"), ("cache_tags", "x-key"), ("cache_tags", "none, cache-tag"),
        ("shared_max_age", "a day"),
        ("presets", "hero"), ("presets", "a b: width=1"), ("presets", ": width=1"),
        ("accel_redirect", "/_imgsvc"), ("accel_redirect", "/"), ("accel_redirect", "/a b/"),
        ("accel_redirect", "https://x/"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_is_refused(field: str, text: str) -> None:
    """By its name, with what was expected and what came."""
    assert mistakes({variable_name(field): text}) == [
        f"{variable_name(field)} must be {SETTINGS[field].expected}; it is {text!r}."
    ]


def test_a_public_url_has_no_slash_at_its_end() -> None:
    """Paths are put behind it."""
    assert load_settings({"IMGSVC_PUBLIC_URL": "https://cdn.example/shop/"}).public_url == "https://cdn.example/shop"


def test_the_data_folder_is_absolute() -> None:
    """So that every process means the same one, wherever it works."""
    assert load_settings({"IMGSVC_DATA": "some/where"}).data == Path("some/where").absolute()


def test_lifetimes_are_classes_and_seconds() -> None:
    """What is not named has none of its own."""
    given = load_settings({"IMGSVC_LIFETIMES": " pinned:86400 ; missing : 5;; "})

    assert given.lifetimes == {UrlClass.PINNED: 86_400, UrlClass.MISSING: 5}
    assert load_settings({}).lifetimes == {}
    assert load_settings({}).shared_max_age is None
    assert load_settings({"IMGSVC_SHARED_MAX_AGE": "0"}).shared_max_age == 0


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", (TagHeader.SURROGATE_KEY,)),
        ("none", ()),
        ("Cache-Tag", (TagHeader.CACHE_TAG,)),
        ("surrogate-key , cache-tag,cache-tag", tuple(TagHeader)),
    ],
)
def test_tags_are_sent_in_the_headers_that_are_named(text: str, headers: tuple[TagHeader, ...]) -> None:
    assert load_settings({"IMGSVC_CACHE_TAGS": text}).cache_tags == headers


def test_presets_are_names_and_queries() -> None:
    """Names in any case, spaces around them aside; an empty entry is none."""
    presets = load_settings({"IMGSVC_PRESETS": " Hero : width=9&mode=crop ; icon:width=64;; "}).presets

    assert presets == {"hero": Transform(width=9, fit=Fit.COVER), "icon": Transform(width=64)}


def test_faces_are_served_where_the_operator_says() -> None:
    """All others stay where they are; spaces aside, and an empty entry is none."""
    places = load_settings(
        {"IMGSVC_PLACES": " struct: api.shop.example ;cdn:cdn.shop.example:8080;; media: /p/ "}
    ).places

    assert places == {
        **DEFAULT_PLACES,
        Face.STRUCT: Place("api.shop.example", ""),
        Face.CDN: Place("cdn.shop.example:8080", ""),
        Face.MEDIA: Place(None, "/p"),
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("struct: http://x", "struct must be at a path such as /pim or a host; it is ' http://x'."),
        ("struct: /x; iqmetrix: /x", "struct and iqmetrix cannot both be at /x/assets."),
        ("cdn: /", "cdn takes any path and needs a prefix or a host of its own."),
    ],
)
def test_places_that_cannot_be_meant_are_refused(text: str, says: str) -> None:
    """By what stands against them."""
    assert mistakes({"IMGSVC_PLACES": text}) == [f"IMGSVC_PLACES: {says}"]


def test_signing_keys_are_ids_and_secrets() -> None:
    """In their order; a secret may have a colon, and is not shown."""
    keys = load_settings({"IMGSVC_SIGNING_KEYS": " 2026b : a long: secret ;2026a:old;; "}).signing_keys

    assert keys == (SigningKey(id="2026b", secret=b"a long: secret"), SigningKey(id="2026a", secret=b"old"))
    assert "secret" not in repr(keys).replace("secret=", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hush", "each entry must be id: secret, an id being up to 32 of A-Z, a-z, 0-9, - and _."),
        ("a b: hush", "each entry must be id: secret, an id being up to 32 of A-Z, a-z, 0-9, - and _."),
        ("a:", "each entry must be id: secret, an id being up to 32 of A-Z, a-z, 0-9, - and _."),
        ("a: hush; a: hush", "a is there twice."),
    ],
)
def test_signing_keys_that_cannot_be_meant_are_refused(text: str, says: str) -> None:
    """Without a word of the secrets in them: mistakes are printed."""
    assert mistakes({"IMGSVC_SIGNING_KEYS": text}) == [f"IMGSVC_SIGNING_KEYS: {says}"]


def test_a_ladder_ascends() -> None:
    """However it was written, each size once."""
    assert load_settings({"IMGSVC_LADDER": "640, 320,640"}).ladder == Ladder((320, 640))


def test_hosts_to_import_from_are_a_list() -> None:
    """In lower case; without any, all that are public."""
    assert load_settings({"IMGSVC_IMPORT_HOSTS": "Shop.example, *.cdn.example ,,"}).import_hosts == (
        "shop.example",
        "*.cdn.example",
    )
    assert load_settings({}).import_hosts == ()


@given(st.dictionaries(st.sampled_from(sorted(map(variable_name, SETTINGS))), st.text(max_size=12), max_size=4))
def test_whatever_is_set_is_read_or_refused(environment: dict[str, str]) -> None:
    """Never another exception, and all that is refused is named."""
    try:
        load_settings(environment)
        told: list[str] = []
    except SettingsError as error:
        told = str(error).splitlines()

    assert all(any(name in line for name in environment) for line in told)
