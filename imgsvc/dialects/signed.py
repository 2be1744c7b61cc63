"""Signed picture URLs: `?width=400&expires=1790000000&kid=2026b&signature=…`.

What is signed is what is asked for and not how the URL is spelled: the path, decoded and as the service itself has it,
and each known word of the query with its value, decoded, in the order of the alphabet. So the order of parameters, the
case of their names, percent-encoding and unknown parameters do not matter. `v` and `rnd` are not signed, since they ask
for no other picture.

There are two forms. An exact signature covers all of that. A floating one leaves sizes out, which then are those of the
ladder: one signature for all that a srcset lists.
"""

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from imgsvc.core.parameters import read_value
from imgsvc.core.signing import SigningKeys, sign
from imgsvc.dialects.query import decode_percent, query_words
from imgsvc.dialects.words import EXPIRY, SIDES, WORDS, read_expiry


class Form(StrEnum):
    """The first part of what is signed, so that no signature of one form is one of the other."""

    EXACT = "exact"
    FLOATING = "floating"


class Claim(NamedTuple):
    """What a URL says of its signature. `expires`: Unix time, None for ever. `key_id` None: of any key."""

    signature: str
    key_id: str | None
    expires: int | None


FLOATING = frozenset((*SIDES, "dpr"))
_UNSIGNED = frozenset(("signature", "v", "rnd"))
_ADDED = frozenset(("signature", "kid", "expires"))


def read_claim(query: str) -> Claim | None:
    """None: the URL has no signature. Raises InvalidParameter."""
    words = query_words(query)
    if "signature" not in words:
        return None
    expires = None
    if "expires" in words:
        expires = read_value(*words["expires"], read=read_expiry, expected=EXPIRY)
    return Claim(words["signature"][1], words["kid"][1] if "kid" in words else None, expires)


def signed_shape(query: str) -> Fraction | None:
    """Height by width, which a floating signature answers for where a signed ratio makes one side, nothing the other.

    Raises InvalidParameter.
    """
    words = query_words(query)
    for ratio, side in (("widthratio", "width"), ("heightratio", "height")):
        if ratio in words and side not in words:
            row = WORDS[ratio]
            value: Fraction = read_value(*words[ratio], read=row.read, expected=row.expected)
            return value if side == "height" else 1 / value
    return None


def is_signed(claim: Claim, form: Form, path: str, query: str, keys: SigningKeys) -> bool:
    """Whoever signed it, whenever it expires. Raises InvalidParameter, InvalidSignature."""
    return keys.is_signed(claim.signature, claim.key_id, *_signed_parts(form, path, query_words(query)))


def sign_query(
    path: str,
    query: str,
    keys: SigningKeys,
    *,
    form: Form = Form.EXACT,
    expires: int | None = None,
    key_id: str | None = None,
) -> str:
    """The query with its signature; one that it had is replaced. Raises InvalidParameter, InvalidSignature."""
    key = keys.signing(key_id)
    pairs = [pair for pair in query.split("&") if pair and _name(pair) not in _ADDED]
    if expires is not None:
        pairs.append(f"expires={expires}")
    if key.id is not None:
        pairs.append(f"kid={key.id}")
    signature = sign(key.secret, *_signed_parts(form, path, query_words("&".join(pairs))))
    return "&".join((*pairs, f"signature={signature}"))


def _signed_parts(form: Form, path: str, words: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    left_out = _UNSIGNED | FLOATING if form is Form.FLOATING else _UNSIGNED
    known = (f"{name}={value}" for name, (_, value) in words.items() if name in WORDS and name not in left_out)
    return (form, path, *sorted(known))


def _name(pair: str) -> str:
    return decode_percent(pair.partition("=")[0], of="query").lower()
