"""What a picture's bytes tell of it, under exiftool's names: read once, remembered by digest."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread
from cachetools import LRUCache

from imgsvc.core.assets import Digest, ImageInfo, Original
from imgsvc.metadata.detail import read_detail

_log = structlog.get_logger(__name__)

_REMEMBERED = 16 * 1024 * 1024
"""Characters of JSON: some thousand pictures with the usual profiles."""

_LARGEST = 256 * 1024
"""Likewise, of one picture. Cameras and programs write 10 thousand; more is somebody's joke on whoever lists it."""

_AT_ONCE = 8
"""Files read at the same time, of all requests."""


class PictureDetail(NamedTuple):
    """`json` is an object, encoded. `color_space` in ImageMagick's words; None: not among those that are looked for."""

    json: msgspec.Raw
    color_space: str | None


Tag: TypeAlias = tuple[str, str | int | float]

_COLOR_SPACES: Mapping[Tag, str] = MappingProxyType(
    {
        ("ColorSpaceData", "CMYK"): "CMYK",
        ("ColorSpaceData", "GRAY"): "Gray",
        ("ColorSpaceData", "Lab "): "Lab",
        ("ColorComponents", 1): "Gray",
        ("ColorComponents", 4): "CMYK",
        ("ColorType", "Grayscale"): "Gray",
        ("ColorType", "Grayscale with Alpha"): "Gray",
        ("PhotometricInterpretation", "BlackIsZero"): "Gray",
        ("PhotometricInterpretation", "WhiteIsZero"): "Gray",
        ("PhotometricInterpretation", "CMYK"): "CMYK",
        ("PhotometricInterpretation", "CIELab"): "Lab",
    }
)
"""The first that holds: the profile knows better than the container."""


class Details:
    """`locate`: where an original's bytes are on this host."""

    def __init__(self, *, locate: Callable[[Digest], Path]) -> None:
        self._locate = locate
        self._known: LRUCache[Digest, PictureDetail] = LRUCache(_REMEMBERED, getsizeof=_length)
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def of_originals(self, originals: Sequence[Original]) -> list[PictureDetail | None]:
        """In their order, read at the same time. None where it is no picture, cannot be read or tells too much."""
        return await asyncio.gather(*map(self._of_original, originals))

    async def _of_original(self, original: Original) -> PictureDetail | None:
        digest = original.digest
        if original.info is None:
            return None
        known = self._known.get(digest)
        if known is None:
            known = await to_thread.run_sync(self._read, digest, limiter=self._limiter)
            if known is not None:
                self._known[digest] = known
        return known

    def _read(self, digest: Digest) -> PictureDetail | None:
        """Blocks."""
        try:
            detail = read_detail(self._locate(digest))
        except Exception as error:
            # Whatever strange bytes do to their reader: the asset's record is not lost for it.
            _log.warning("detail.not_read", digest=digest, exc_info=error)
            return None
        encoded = msgspec.json.encode(detail)
        if len(encoded) > _LARGEST:
            _log.warning("detail.too_large", digest=digest, length=len(encoded))
            return None
        space = next((space for (tag, value), space in _COLOR_SPACES.items() if detail.get(tag) == value), None)
        return PictureDetail(json=msgspec.Raw(encoded), color_space=space)


def color_space(info: ImageInfo, detail: PictureDetail | None) -> str:
    if detail is not None and detail.color_space is not None:
        return detail.color_space
    return "sRGB" if info.is_srgb else "RGB"


def _length(detail: PictureDetail) -> int:
    return len(bytes(detail.json))
