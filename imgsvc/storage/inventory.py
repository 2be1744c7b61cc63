"""What a cache of derivatives holds, read beside the process that writes it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from imgsvc.core.errors import StoreFailure
from imgsvc.core.formats import Format
from imgsvc.core.geometry import Size
from imgsvc.core.variant import Derivative

ROWS = "SELECT key, format, length, crc32, width, height FROM derivatives"
_AT_ONCE = 500


def known_derivatives(root: Path) -> Iterator[Derivative]:
    """By key, beside whoever writes, who is kept from nothing; what is admitted meanwhile may be left out.

    None where there is no index. Raises StoreFailure.
    """
    path = root / "index.sqlite"
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as index:
            after = ""
            # A read that lasts would keep the writer's log from being folded in.
            while rows := index.execute(f"{ROWS} WHERE key > ? ORDER BY key LIMIT {_AT_ONCE}", (after,)).fetchall():
                yield from map(derivative_from_row, rows)
                after = rows[-1][0]
    except sqlite3.Error as error:
        raise StoreFailure("The index of the cache cannot be read.") from error


def derivative_from_row(row: Any) -> Derivative:
    key, output, length, crc32, width, height = row
    return Derivative(key=key, format=Format(output), length=length, crc32=crc32, size=Size(width, height))
