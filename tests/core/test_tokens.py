"""Bearer tokens."""

import re
from datetime import UTC, datetime

import pytest

from imgsvc.core.assets import Instance
from imgsvc.core.tokens import Scope, Token, make_token, token_digest


def token_with(*scopes: Scope) -> Token:
    return Token(
        digest=token_digest("imgsvc_a"),
        name="the shop",
        instance=Instance("shop"),
        scopes=frozenset(scopes),
        created=datetime(2026, 1, 2, tzinfo=UTC),
    )


def test_a_token_is_known_by_its_prefix_and_fits_a_header() -> None:
    """256 bit in URL-safe base64 behind a name that secret scanners can look for."""
    assert re.fullmatch(r"imgsvc_[A-Za-z0-9_-]{43}", make_token())


def test_no_two_tokens_are_alike() -> None:
    """They are made of chance."""
    assert len({make_token() for _ in range(100)}) == 100


def test_a_digest_is_the_tokens_sha256() -> None:
    """FIPS 180-2, appendix B.1: of `abc`."""
    assert token_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("scope", Scope)
def test_a_token_permits_its_own_scopes(scope: Scope) -> None:
    """Each by itself."""
    assert token_with(scope).permits(scope)


@pytest.mark.parametrize("scope", [Scope.READ, Scope.DELETE, Scope.ADMIN])
def test_a_token_permits_nothing_else(scope: Scope) -> None:
    """Who may write may not therefore delete."""
    assert not token_with(Scope.WRITE).permits(scope)


@pytest.mark.parametrize("scope", Scope)
def test_an_admin_may_do_everything(scope: Scope) -> None:
    """One scope stands for all."""
    assert token_with(Scope.ADMIN).permits(scope)


def test_a_token_without_scopes_permits_nothing() -> None:
    """An empty set is no wildcard."""
    assert not any(token_with().permits(scope) for scope in Scope)
