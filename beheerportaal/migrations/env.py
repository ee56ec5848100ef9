"""Run by Alembic; the connection, with its transaction, comes from `beheerportaal.migrations.upgrade`."""

from alembic import context

from beheerportaal.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can't alter most of a table in place
)
context.run_migrations()
