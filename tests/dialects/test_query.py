"""How a query string is taken apart."""

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.errors import InvalidParameter
from imgsvc.dialects.query import decode_percent, query_words

PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


@given(st.lists(st.tuples(PRINTABLE.filter(bool), PRINTABLE)))
def test_what_a_form_writes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    """Names in lower case with their spelling beside the value; the last of a name wins."""
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)

    assert query_words(query) == {name.lower(): (name, value) for name, value in pairs}


@given(PRINTABLE)
def test_a_space_may_be_a_plus_or_escaped(text: str) -> None:
    """As HTML forms and as RFC 3986 have it."""
    assert decode_percent(quote_plus(text), of="v") == decode_percent(quote(text), of="v") == text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", {}),
        ("&&", {}),
        ("=5", {}),
        ("width", {"width": ("width", "")}),
        ("width=", {"width": ("width", "")}),
        ("width=1=2", {"width": ("width", "1=2")}),
        ("Width=1&WIDTH=2", {"width": ("WIDTH", "2")}),
        ("wid%74h=1", {"width": ("width", "1")}),
        ("a+b=c+d", {"a b": ("a b", "c d")}),
        ("a%2Bb=%26", {"a+b": ("a+b", "&")}),
    ],
)
def test_odd_queries_have_a_meaning(query: str, words: dict[str, tuple[str, str]]) -> None:
    """Empty parts are nothing, a lone name has an empty value, the first `=` parts."""
    assert query_words(query) == words


@pytest.mark.parametrize("value", ["%", "%4", "%zz", "50%", "%%41", "%+1", "%-1", "% 1"])
def test_a_broken_escape_is_refused(value: str) -> None:
    """Not taken as it stands: two hexadecimal digits belong behind each percent sign."""
    with pytest.raises(InvalidParameter) as refused:
        query_words(f"BgColor={value}")

    assert refused.value.name == "BgColor"


@pytest.mark.parametrize("value", ["%FF", "%C3%28", "%ED%A0%80", "%C0%80"])
def test_an_escape_that_is_no_utf8_is_refused(value: str) -> None:
    """Stray bytes, surrogates, overlong forms."""
    with pytest.raises(InvalidParameter) as refused:
        query_words(f"preset={value}")

    assert refused.value.name == "preset"


@pytest.mark.parametrize("value", ["%00", "a%00b", "%0A", "%7f", "a\nb", "\x00"])
def test_a_control_character_is_refused(value: str) -> None:
    """Escaped or not, NUL foremost."""
    with pytest.raises(InvalidParameter) as refused:
        query_words(f"v={value}")

    assert refused.value.name == "v"


@pytest.mark.parametrize("query", ["%zz=1", "%00=1"])
def test_a_broken_name_is_told_of_the_query(query: str) -> None:
    """It cannot be told by its own name."""
    with pytest.raises(InvalidParameter) as refused:
        query_words(query)

    assert refused.value.name == "query"
