"""Signatures of links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsvc.core.errors import InvalidSignature
from imgsvc.core.signing import SigningKey, SigningKeys, is_signed, sign

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


NEW, OLD = SigningKey(id="2026b", secret=b"new"), SigningKey(id="2026a", secret=b"old")
NAMELESS = SigningKey(id=None, secret=b"nameless")
KEYS = SigningKeys((NEW, OLD, NAMELESS))


class TestSigningKeys:
    def test_the_first_signs(self) -> None:
        """Unless another is asked for by its id."""
        assert KEYS.signing() == NEW
        assert KEYS.signing("2026a") == OLD

    @pytest.mark.parametrize("key", [NEW, OLD, NAMELESS], ids=lambda key: str(key.id))
    def test_all_hold(self, key: SigningKey) -> None:
        """Whichever has signed, where the link names none."""
        assert KEYS.is_signed(sign(key.secret, "a"), None, "a")

    def test_a_named_key_is_that_key(self) -> None:
        """What another has signed is not its."""
        assert KEYS.is_signed(sign(OLD.secret, "a"), "2026a", "a")
        assert not KEYS.is_signed(sign(OLD.secret, "a"), "2026b", "a")

    @pytest.mark.parametrize("key_id", ["2025", "", "None"])
    def test_an_unknown_id_is_refused(self, key_id: str) -> None:
        """Also where some key would do."""
        with pytest.raises(InvalidSignature, match="no signing key of that id"):
            KEYS.is_signed(sign(NEW.secret, "a"), key_id, "a")

    def test_a_key_that_was_taken_out_holds_no_longer(self) -> None:
        """Which is what rotation is for."""
        assert not SigningKeys((NEW,)).is_signed(sign(OLD.secret, "a"), None, "a")

    def test_a_secret_is_not_shown(self) -> None:
        """Neither in a log nor in a failed assertion."""
        assert "new" not in repr(NEW)
