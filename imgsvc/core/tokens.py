"""Bearer tokens: opaque to whoever holds one, known here by digest alone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from secrets import token_urlsafe
from typing import NewType

from imgsvc.core.assets import Instance

TokenDigest = NewType("TokenDigest", str)
"""SHA-256 of a token, 64 hexadecimal digits. A token holds 256 bit of chance, so no salt and no slow hash is needed."""

_PREFIX = "imgsvc_"


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is kept of a token. `name` is for people; `created` is UTC; `serial` 0 as long as it was not stored."""

    digest: TokenDigest
    name: str
    instance: Instance
    scopes: frozenset[Scope]
    created: datetime
    serial: int = 0

    def permits(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes


def make_token() -> str:
    """The prefix lets secret scanners and people know one when they see it."""
    return _PREFIX + token_urlsafe(32)


def token_digest(token: str) -> TokenDigest:
    return TokenDigest(sha256(token.encode()).hexdigest())
