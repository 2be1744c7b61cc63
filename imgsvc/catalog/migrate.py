"""Brings a database to the newest schema."""

from pathlib import Path

import sqlalchemy as sa

from imgsvc.catalog.revision import REVISION, refuse_later

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine) -> None:
    """In one transaction, so that processes that start at the same time wait for the first.

    Raises StoreFailure where a later release has written it.

    Alembic is loaded only where there is something to do: it costs more than the rest of a start.
    """
    with engine.begin() as connection:
        if _is_current(connection):
            return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _is_current(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    refuse_later(revision)
    return revision == REVISION
