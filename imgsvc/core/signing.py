"""Signatures of links: whoever holds one may do what it says until it expires, and nothing else.

Several keys hold at once, so that one can be replaced without ending what it has signed.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from imgsvc.core.errors import InvalidSignature


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """`id` None: a key that links do not name."""

    id: str | None
    secret: bytes = field(repr=False)


class SigningKeys:
    """At least one; the first signs."""

    def __init__(self, keys: Iterable[SigningKey]) -> None:
        self._keys = tuple(keys)
        assert self._keys

    def signing(self, key_id: str | None = None) -> SigningKey:
        """The first of all, or of that id. Raises InvalidSignature."""
        for key in self._keys:
            if key_id is None or key.id == key_id:
                return key
        raise InvalidSignature("There is no signing key of that id.")

    def is_signed(self, signature: str, key_id: str | None, *parts: str) -> bool:
        """By the key of that id; None: by any. All are tried, so that the time does not tell which was right.

        Raises InvalidSignature where there is no key of that id.
        """
        keys = self._keys if key_id is None else (self.signing(key_id),)
        right = [is_signed(signature, key.secret, *parts) for key in keys]
        return any(right)


def sign(key: bytes, *parts: str) -> str:
    """HMAC-SHA256 (RFC 2104), base64url without padding (RFC 4648, section 5): 43 characters.

    Each part is signed with its length in bytes before it, so that no two lists of parts are one text.
    """
    message = b"".join(b"%d:%b" % (len(part.encode()), part.encode()) for part in parts)
    return urlsafe_b64encode(hmac.new(key, message, sha256).digest()).rstrip(b"=").decode()


def is_signed(signature: str, key: bytes, *parts: str) -> bool:
    """In a time that does not depend on how much of it is right."""
    return hmac.compare_digest(signature.encode(errors="replace"), sign(key, *parts).encode())
