"""Alembic's environment: runs the revisions on the connection that it is handed."""

from alembic import context
from sqlalchemy import Connection

from execution.ledger.records import Record


def _run(connection: Connection) -> None:
    # SQLite cannot alter a column in place; alembic then makes the table anew and copies it.
    context.configure(connection=connection, target_metadata=Record.metadata, render_as_batch=True)
    context.run_migrations()


_run(context.config.attributes["connection"])
