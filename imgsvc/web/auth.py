"""Who may, and in which instance: the token of `Authorization`, compared by digest."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import NamedTuple

from starlette.requests import Request

from imgsvc.core.assets import Instance
from imgsvc.core.errors import NotPermitted, Unauthenticated
from imgsvc.core.tokens import Scope, Token, TokenDigest, token_digest


class Caller(NamedTuple):
    """`user`: the serial of the token, 0 for the operator's."""

    instance: Instance
    user: int


class Guard:
    """`operator_token` permits everything in `operator_instance`; None: only tokens of the catalogue count."""

    def __init__(
        self,
        *,
        operator_token: str | None,
        operator_instance: Instance,
        find_token: Callable[[TokenDigest], Awaitable[Token | None]],
    ) -> None:
        self._operator = None if operator_token is None else token_digest(operator_token)
        self._operator_instance = operator_instance
        self._find_token = find_token

    async def demand(self, request: Request, scope: Scope, *, raw_key: bool = False) -> Caller:
        """`raw_key`: the header may be the token alone, as some vendors have it, without the word Bearer.

        Raises Unauthenticated, NotPermitted, StoreFailure.
        """
        credentials = _credentials(request.headers.get("authorization", ""), raw_key=raw_key)
        if not credentials:
            how = "Authorization, and the token alone." if raw_key else "Authorization: Bearer, and the token."
            raise Unauthenticated(f"A token is needed: {how}")
        digest = token_digest(credentials)
        if self._operator is not None and compare_digest(digest, self._operator):
            return Caller(self._operator_instance, 0)
        token = await self._find_token(digest)
        if token is None:
            raise Unauthenticated("The token is not known here.")
        if not token.permits(scope):
            raise NotPermitted(f"The token does not permit to {scope}.")
        return Caller(token.instance, token.serial)

    async def caller(self, request: Request, scope: Scope) -> Caller | None:
        """None where no token was sent; otherwise as `demand`. For what is public."""
        return await self.demand(request, scope) if "authorization" in request.headers else None


def _credentials(header: str, *, raw_key: bool) -> str:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    return header.strip() if raw_key else ""
