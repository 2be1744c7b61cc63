"""Signatures of links."""

from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.signing import is_signed, sign

KEY = b"a key of the service"
parts = st.lists(st.text(max_size=20), min_size=1, max_size=4)


@given(parts)
def test_what_was_signed_is_signed(signed: list[str]) -> None:
    """With the same key, in the same parts."""
    assert is_signed(sign(KEY, *signed), KEY, *signed)


@given(parts, parts)
def test_nothing_else_is(signed: list[str], other: list[str]) -> None:
    """Not even parts that make the same text when they stand together."""
    assert is_signed(sign(KEY, *signed), KEY, *other) == (signed == other)


@given(parts, st.text())
def test_another_signature_is_refused(signed: list[str], signature: str) -> None:
    """Whatever comes in a URL."""
    assert is_signed(signature, KEY, *signed) == (signature == sign(KEY, *signed))


def test_another_key_signs_otherwise() -> None:
    """Else the key would be none."""
    assert not is_signed(sign(b"another", "a"), KEY, "a")


def test_a_signature_stands_unescaped_in_a_query() -> None:
    """43 characters of base64url (RFC 4648, section 5)."""
    signature = sign(KEY, "download", "x")

    assert len(signature) == 43
    assert signature.replace("-", "a").replace("_", "a").isalnum()
