"""The name of one original under one plan."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, NewType

from imgsvc.core.assets import Digest
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size

VariantKey = NewType("VariantKey", str)
"""32 hexadecimal digits in lower case: 128 bit of a SHA-256. Equal keys, equal bytes; it is the ETag's text."""

_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)


def variant_key(digest: Digest, plan: str, *, revision: str) -> VariantKey:
    """`plan` in its canonical text; `revision` names the renderer: whatever of it changes bytes under the same plan."""
    named = f"{digest}\n{plan}\n{revision}"
    return VariantKey(sha256(named.encode()).hexdigest()[:32])


def provisional_key(key: VariantKey) -> VariantKey:
    """Of what is answered until the variant itself can be made: its bytes are others, so its key is."""
    return VariantKey(sha256(f"{key}\nprovisional".encode()).hexdigest()[:32])


def variant_key_from_text(text: str) -> VariantKey | None:
    return VariantKey(text) if _KEY.fullmatch(text) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivative:
    """A stored result. `length` in bytes; `crc32` of them all, as zlib and zip have it; `size` of one frame, px.

    `stale`: it was purged softly, and is answered for as long as it has not been made again.
    """

    key: VariantKey
    format: Format
    length: int
    crc32: int
    size: Size
    stale: bool = False


class Discarded(NamedTuple):
    """How many derivatives were discarded, and their bytes together."""

    derivatives: int
    length: int
