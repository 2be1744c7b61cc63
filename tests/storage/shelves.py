"""Caches with something in them."""

from hashlib import sha256
from zlib import crc32

from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative, VariantKey
from imgsvc.storage.cache import DerivativeCache


def admit(
    cache: DerivativeCache,
    name: str,
    data: bytes = b"rendition",
    output: Format = Format.WEBP,
    *,
    source: str = "original",
    seconds: float = 0.1,
) -> Derivative:
    """`name` stands for a plan and its original."""
    derivative = derivative_of(name, data, output)
    scratch = cache.scratch_path()
    scratch.write_bytes(data)
    cache.admit(scratch, derivative, source=source, seconds=seconds)
    return derivative


def admit_spare(
    cache: DerivativeCache, name: str, data: bytes = b"rendition", *, source: str = "original", seconds: float = 0.1
) -> Derivative:
    """As a worker does that could not write where it was told first."""
    derivative, spare = derivative_of(name, data), cache.spare_path()
    assert spare is not None
    spare.write_bytes(data)
    cache.admit(spare, derivative, source=source, seconds=seconds)
    return derivative


def derivative_of(name: str, data: bytes, output: Format = Format.WEBP) -> Derivative:
    key = VariantKey(sha256(name.encode()).hexdigest()[:32])
    return Derivative(key=key, format=output, length=len(data), crc32=crc32(data), size=Size(30, 20))
