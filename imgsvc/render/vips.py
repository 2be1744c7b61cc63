"""How libvips is set up in a process that touches pixels, and the one translation of its errors.

libvips has many loaders, some not made for untrusted input: all are refused but those in use. The operation cache stays
off: nothing is asked twice here, and it was measured to cost three quarters more memory.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager

import pyvips

from imgsvc.core.errors import CorruptOriginal

MINIMUM_VERSION = (8, 18)

_LOADERS = (
    "VipsForeignLoadJpeg",
    "VipsForeignLoadPng",
    "VipsForeignLoadWebp",
    "VipsForeignLoadNsgif",
    "VipsForeignLoadTiff",
    "VipsForeignLoadSvg",
)


def set_up_vips(*, avif_input: bool = True) -> None:
    """Before the first picture. `avif_input` False refuses AVIF originals: libheif has had the most advisories.

    The SVG loader is given nothing that has not been through the sanitiser. A phone's HDR photograph, a JPEG with a
    gain map, is read as the JPEG that it is to everyone else: the loader for both is not among those in use.
    """
    found = (pyvips.version(0), pyvips.version(1))
    if found < MINIMUM_VERSION:
        raise RuntimeError(f"libvips {MINIMUM_VERSION} or later is needed, found {found}: pyvips-binary is not in use")
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(loader, False)
    pyvips.operation_block_set("VipsForeignLoadHeif", not avif_input)
    pyvips.cache_set_max(0)
    logging.getLogger("pyvips").setLevel(logging.WARNING)


@contextmanager
def decoding() -> Generator[None]:
    """libvips evaluates late: whatever loads, steps or encodes may find the original broken.

    Its own words stay in the cause, for a log: one buffer serves all threads, so they may speak of another picture.
    """
    try:
        yield
    except pyvips.Error as error:
        raise CorruptOriginal("The original cannot be decoded to its end in the memory allowed here.") from error
