"""What a cache of derivatives holds, read beside the process that writes it."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
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
    after = ""
    with _opened(root) as index:
        # A read that lasts would keep the writer's log from being folded in.
        while index and (
            rows := index.execute(f"{ROWS} WHERE key > ? ORDER BY key LIMIT {_AT_ONCE}", (after,)).fetchall()
        ):
            yield from map(derivative_from_row, rows)
            after = rows[-1][0]


def count_derivatives(root: Path) -> int:
    """Raises StoreFailure."""
    with _opened(root) as index:
        return 0 if index is None else index.execute("SELECT count(*) FROM derivatives").fetchone()[0]


def is_known(root: Path, derivative: Derivative) -> bool:
    """Still as it was. Raises StoreFailure."""
    with _opened(root) as index:
        rows = [] if index is None else index.execute(f"{ROWS} WHERE key = ?", (derivative.key,)).fetchall()
    return derivative in map(derivative_from_row, rows)


@contextmanager
def _opened(root: Path) -> Generator[sqlite3.Connection | None]:
    """For reading; None where there is none. Raises StoreFailure."""
    path = root / "index.sqlite"
    if not path.exists():
        yield None
        return
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        ) as index:
            yield index
    except sqlite3.Error as error:
        raise StoreFailure("The index of the cache cannot be read.") from error


def derivative_from_row(row: Any) -> Derivative:
    key, output, length, crc32, width, height = row
    return Derivative(key=key, format=Format(output), length=length, crc32=crc32, size=Size(width, height))
