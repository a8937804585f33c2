"""Backup and restore: a backup is a ledger itself, in one SQLite file, whatever database it was taken from.

It is read in one transaction, so it is the ledger of one moment while the service goes on, and is believed only
after its own check: it agrees with itself, and its digest is that of what was read.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, text

from execution.ledger.connection import READING, connect
from execution.ledger.digest import state_hash
from execution.ledger.migration import prepare
from execution.ledger.records import ORDERS, Record
from execution.ledger.verification import verify

_ROWS = 5_000


class BackupError(RuntimeError):
    """The backup or the restore cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, and the digest that both sides have."""

    orders: int
    state_hash: str


def back_up(url: str, file: Path) -> Copied:
    """Copy the ledger at `url` to a new file; raises `BackupError` when there is one already."""
    if file.exists():
        raise BackupError(f"{file} exists: give the name of a new file")
    pending = file.with_name(f"{file.name}.pending")
    pending.unlink(missing_ok=True)
    copied = _copy(url, f"sqlite:///{pending}")
    # The copy is whole and closed: its journal is inside.
    pending.replace(file)
    return copied


def restore(file: Path, url: str) -> Copied:
    """Copy a backup to the ledger at `url`, which has to be empty; raises `BackupError`."""
    if not file.is_file():
        raise BackupError(f"there is no backup at {file}")
    return _copy(f"sqlite:///{file}", url)


def _copy(source_url: str, target_url: str) -> Copied:
    source, target = connect(source_url), connect(target_url)
    try:
        prepare(source)
        prepare(target)
        with _reader(source) as reading, target.begin() as writing:
            if writing.execute(select(func.count()).select_from(ORDERS)).scalar_one():
                raise BackupError("the ledger to restore to holds orders already: give an empty one")
            for table in Record.metadata.sorted_tables:
                rows = reading.execute(select(table).execution_options(yield_per=_ROWS)).mappings()
                for part in rows.partitions():
                    writing.execute(insert(table), [dict(row) for row in part])
                _continue_numbers(writing, table.name, [column.name for column in table.primary_key])
            verify(writing, from_start=True)
            digest = state_hash(reading)
            if state_hash(writing) != digest:
                raise BackupError("the copy is not what was read: nothing was kept")
            orders = writing.execute(select(func.count()).select_from(ORDERS)).scalar_one()
    finally:
        source.dispose()
        target.dispose()
    return Copied(orders, digest)


def _reader(engine: Engine) -> Connection:
    """A connection that sees one moment of the database, however long it reads."""
    options = {READING: True} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    return engine.execution_options(**options).connect()


def _continue_numbers(connection: Connection, table: str, key: list[str]) -> None:
    """Let PostgreSQL's row numbers go on after those that were copied; SQLite does so by itself."""
    if connection.dialect.name != "postgresql" or key != ["number"]:
        return
    # The name is one of our own tables'.
    connection.execute(
        text(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'number'), max(number)) "  # noqa: S608
            f"FROM {table} HAVING max(number) IS NOT NULL"
        )
    )
