"""Which schema a catalogue has; asked without SQLAlchemy, which whoever watches over the service does without."""

import sqlite3
from contextlib import closing
from pathlib import Path

from imgsvc.core.errors import StoreFailure

REVISION = "0004"


def refuse_later(revision: str | None) -> None:
    """Raises StoreFailure where a later release has changed the schema; revisions are numbers of four digits."""
    if revision is not None and revision > REVISION:
        raise StoreFailure(
            "The catalogue was written by a later release of imgsvc. Run that release, or restore a back-up made "
            "before the upgrade."
        )


def check_catalog(path: Path) -> None:
    """That this release can go on with the SQLite file, if there is one. Raises StoreFailure."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        # Not begun yet, or of no use: whoever opens it finds out.
        return
    refuse_later(None if row is None else row[0])
