"""The work of `imgsvc token`."""

from collections.abc import Iterable
from datetime import UTC, datetime

from imgsvc.app.library import open_library
from imgsvc.core.tokens import Scope, Token, make_token, token_digest
from imgsvc.settings import Settings


async def create_token(settings: Settings, name: str, scopes: Iterable[str]) -> str:
    """The token itself, which is known to nobody else afterwards."""
    secret = make_token()
    token = Token(
        digest=token_digest(secret),
        name=name,
        instance=settings.instance,
        scopes=frozenset(map(Scope, scopes)),
        created=datetime.now(UTC),
    )
    async with open_library(settings) as library:
        await library.catalog.tokens.add(token)
    return secret


async def list_tokens(settings: Settings) -> list[Token]:
    async with open_library(settings) as library:
        return await library.catalog.tokens.list()


async def revoke_tokens(settings: Settings, name: str) -> int:
    """How many there were."""
    async with open_library(settings) as library:
        return await library.catalog.tokens.revoke(name)
