"""Run by alembic for every command; the connection comes from who called it."""

from alembic import context

from imgsvc.catalog.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
