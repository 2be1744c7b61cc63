"""Who may: `Authorization: Bearer`, compared by digest."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest

from starlette.requests import Request

from imgsvc.core.errors import NotPermitted, Unauthenticated
from imgsvc.core.tokens import Scope, Token, TokenDigest, token_digest


class Guard:
    """`operator_token` permits everything; None: there is none, and only tokens of the catalogue count."""

    def __init__(
        self, *, operator_token: str | None, find_token: Callable[[TokenDigest], Awaitable[Token | None]]
    ) -> None:
        self._operator = None if operator_token is None else token_digest(operator_token)
        self._find_token = find_token

    async def demand(self, request: Request, scope: Scope) -> None:
        """Raises Unauthenticated, NotPermitted, StoreFailure."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credentials.strip():
            raise Unauthenticated("A token is needed: Authorization: Bearer, and the token.")
        digest = token_digest(credentials.strip())
        if self._operator is not None and compare_digest(digest, self._operator):
            return
        token = await self._find_token(digest)
        if token is None:
            raise Unauthenticated("The token is not known here.")
        if not token.permits(scope):
            raise NotPermitted(f"The token does not permit to {scope}.")
