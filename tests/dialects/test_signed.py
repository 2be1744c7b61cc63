"""Signed picture URLs: what a signature covers, and what it leaves free."""

import random
from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from imgsvc.core.errors import InvalidParameter, InvalidSignature
from imgsvc.core.signing import SigningKey, SigningKeys
from imgsvc.dialects.query import query_words
from imgsvc.dialects.signed import Claim, Form, is_signed, read_claim, sign_query, signed_shape
from imgsvc.dialects.words import WORDS

KEYS = SigningKeys((SigningKey(id="2026b", secret=b"new"), SigningKey(id=None, secret=b"old")))
PATH = "/media/abcdefgh/red shirt.jpg"
SIZES = ("width", "height", "maxwidth", "maxheight", "dpr")
FREE = ("v", "rnd", "signature")
COVERED = sorted(set(WORDS) - {*FREE, "expires", "kid"})

values = st.text("abcdefghABC0123456789.,:=_-", min_size=1, max_size=6)


def queries(names: list[str] = COVERED) -> SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(names), values, max_size=5)


def written(words: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in words.items())


def holds(query: str, form: Form = Form.EXACT, *, path: str = PATH, keys: SigningKeys = KEYS) -> bool:
    """Whether the URL's signature is right, in that form."""
    claim = read_claim(query)
    assert claim is not None
    return is_signed(claim, form, path, query, keys)


def changed(query: str, name: str, value: str | None) -> str:
    """With another value of that word, or without it."""
    words = {word: text for word, (_, text) in query_words(query).items() if word != name}
    return written(words if value is None else {**words, name: value})


@given(queries(), st.sampled_from(Form), st.none() | st.integers(0, 10**11 - 1))
def test_what_was_signed_holds(words: dict[str, str], form: Form, expires: int | None) -> None:
    """In its own form alone."""
    query = sign_query(PATH, written(words), KEYS, form=form, expires=expires)

    assert [one for one in Form if holds(query, one)] == [form]


@given(queries(), st.sampled_from([*COVERED, "expires", "kid"]), st.none() | values)
def test_an_exact_signature_covers_every_word(words: dict[str, str], name: str, value: str | None) -> None:
    """Given, changed or taken away, in any place."""
    query = sign_query(PATH, written(words), KEYS, expires=1_790_000_000)
    other = changed(query, name, value)

    same = query_words(other).get(name, (None, None))[1] == query_words(query).get(name, (None, None))[1]
    try:
        assert holds(other) == same
    except (InvalidParameter, InvalidSignature):
        assert not same


@given(queries(), st.sampled_from([*COVERED, "expires"]), values)
def test_a_floating_signature_covers_all_but_sizes(words: dict[str, str], name: str, value: str) -> None:
    query = sign_query(PATH, written(words), KEYS, form=Form.FLOATING, expires=1_790_000_000)
    other = changed(query, name, value)

    same = query_words(other)[name][1] == query_words(query).get(name, (None, None))[1]
    try:
        assert holds(other, Form.FLOATING) == (same or name in SIZES)
    except InvalidParameter:
        assert name == "expires"


@given(queries(), st.randoms(use_true_random=False), st.sampled_from(Form))
def test_spelling_does_not_matter(words: dict[str, str], chance: random.Random, form: Form) -> None:
    """Order, the case of names, percent-encoding, unknown words, `v` and `rnd`."""
    query = sign_query(PATH, written(words), KEYS, form=form)
    pairs = ["utm_source=mail", "UTM", "v=7", "rnd=1"]
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        name = "".join(chance.choice((letter.upper(), letter)) for letter in name)
        pairs.append(f"{name}=" + "".join(chance.choice((f"%{ord(letter):02x}", letter)) for letter in value))
    chance.shuffle(pairs)

    assert holds("&".join(pairs), form)


@given(st.text("/abc é%?&=", max_size=12))
def test_a_path_is_covered(path: str) -> None:
    query = sign_query(PATH, "width=400", KEYS)

    assert holds(query, path=path) == (path == PATH)


def test_a_value_cannot_slip_into_another_word() -> None:
    """Each part is signed with its length."""
    query = sign_query(PATH, "preset=a%26width%3D9", KEYS)

    assert holds(query)
    assert not holds(query.replace("%26", "&").replace("%3D", "="))


def test_a_url_is_signed_anew() -> None:
    """What it said of a signature before is gone."""
    query = sign_query(PATH, "width=400&Signature=x&KID=y&expires=7", KEYS)

    assert set(query_words(query)) == {"width", "kid", "signature"}
    assert holds(query)


def test_the_key_is_named_where_it_has_a_name() -> None:
    assert read_claim(sign_query(PATH, "", KEYS))[1] == "2026b"  # pyright: ignore[reportOptionalSubscript]
    nameless = SigningKeys((SigningKey(id=None, secret=b"old"),))
    assert "kid" not in sign_query(PATH, "", nameless)
    assert holds(sign_query(PATH, "", nameless))


@pytest.mark.parametrize("key_id", ["2026a", ""])
def test_nothing_is_signed_with_a_key_that_is_not_there(key_id: str) -> None:
    with pytest.raises(InvalidSignature):
        sign_query(PATH, "", KEYS, key_id=key_id)


@pytest.mark.parametrize(
    ("query", "claim"),
    [
        ("width=400&kid=a&expires=7", None),
        ("signature=abc", Claim("abc", None, None)),
        ("SIGNATURE=a&signature=", Claim("", None, None)),
        ("Signature=%41&Kid=b&Expires=1790000000", Claim("A", "b", 1_790_000_000)),
    ],
)
def test_a_claim_is_read(query: str, claim: Claim | None) -> None:
    """None is made without a signature."""
    assert read_claim(query) == claim


@pytest.mark.parametrize("expires", ["", "-1", "soon", "1.5", "9" * 12, "%D9%A3"])
def test_a_time_that_cannot_be_meant_is_refused(expires: str) -> None:
    with pytest.raises(InvalidParameter, match="Unix time"):
        read_claim(f"signature=x&expires={expires}")


@pytest.mark.parametrize(
    ("query", "shape"),
    [
        ("width=400", None),
        ("width=400&height=300", None),
        ("width=400&heightRatio=0.75", Fraction(3, 4)),
        ("height=400&widthratio=0.75", Fraction(4, 3)),
        ("width=400&height=300&heightratio=0.75", None),
        ("width=400&widthratio=0.75", None),
    ],
)
def test_a_ratio_answers_for_the_shape(query: str, shape: Fraction | None) -> None:
    """Where a side follows from it."""
    assert signed_shape(query) == shape


def test_a_ratio_that_cannot_be_meant_is_refused() -> None:
    """Also at faces that know none."""
    with pytest.raises(InvalidParameter, match="heightratio must be a number"):
        signed_shape("heightratio=wide")
