"""How the ledger's database is opened: SQLite in WAL mode by default, PostgreSQL by its URL."""

from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

READING = "sapphire_reading"
"""Execution option of connections that only read, so that they never wait for a writer."""


def connect(url: str) -> Engine:
    """The engine for a SQLAlchemy URL; makes the folder of an SQLite file.

    SQLite runs with WAL and synchronous=NORMAL: a killed process loses nothing, a power cut may take the
    last transactions, never part of one. Writers begin IMMEDIATE, so two of them queue where they start and
    never deadlock.
    """
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return create_engine(target, pool_pre_ping=True)
    if not target.database or target.database == ":memory:":
        raise ValueError("the ledger needs a file: write SAPPHIRE_LEDGER_URL as sqlite:///folder/ledger.db")
    Path(target.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(target, connect_args={"timeout": 5.0, "check_same_thread": False}, pool_size=8)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: SqliteConnection, _record: Any) -> None:
    # We write BEGIN ourselves: Python's driver would begin late and deferred.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
