"""Files read for their own sake: from the medium, past what the kernel remembers of it."""

import os
from collections.abc import Generator
from pathlib import Path

_CHUNK = 1 << 20


def read_medium(path: Path) -> Generator[bytes]:
    """In chunks of 1 MiB. Pages that were read before are dropped first, or memory alone would be looked at; those
    read now are dropped afterwards, so that a scrub costs nobody the pages that are in use. Raises OSError.
    """
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while chunk := file.read(_CHUNK):
            yield chunk
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
