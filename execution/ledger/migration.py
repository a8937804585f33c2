"""Brings the ledger's tables to the form that this version writes, by alembic's revisions.

SQLite is migrated when it is opened: it belongs to one service. PostgreSQL may be shared, so it is made when it is
empty, and otherwise waits for `sapphire ledger migrate`.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from execution.ledger.records import Record

HEAD = "0002"
"""The newest revision."""

_FIRST = "0001"


class OldLedger(RuntimeError):
    """The ledger's tables are not those of this version."""


def prepare(engine: Engine) -> None:
    """Have the tables of this version; raises `OldLedger` when somebody has to decide."""
    with engine.begin() as connection:
        found = _revision(connection)
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise OldLedger(
                f"the ledger is of revision {found}, newer than this version's {HEAD}: run the newer version"
            )
        if found is not None and engine.dialect.name != "sqlite":
            raise OldLedger(
                f"the ledger is of revision {found}, this version needs {HEAD}: run `sapphire ledger migrate`"
            )
        _upgrade(connection, found)


def migrate(engine: Engine) -> tuple[str | None, str]:
    """Bring the tables to the newest revision; from which one (None: there were none) to which."""
    with engine.begin() as connection:
        found = _revision(connection)
        if found is not None and found > HEAD:
            raise OldLedger(
                f"the ledger is of revision {found}, newer than this version's {HEAD}: run the newer version"
            )
        if found != HEAD:
            _upgrade(connection, found)
    return found, HEAD


def _revision(connection: Connection) -> str | None:
    """The revision of the tables; None when there are none."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
    # The first version made its tables without noting their revision.
    return _FIRST if "orders" in tables else None


def _upgrade(connection: Connection, found: str | None) -> None:
    if found is None:
        # A new ledger is made as it is meant to be; a test holds that the revisions lead to the same.
        Record.metadata.create_all(connection)
        connection.exec_driver_sql(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
        )
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{HEAD}')")  # noqa: S608 - a constant
        return
    upgrade_by_revisions(connection, found)


def upgrade_by_revisions(connection: Connection, found: str | None) -> None:
    """Run the revisions after `found`, from the first when it is None."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    if found == _FIRST and "alembic_version" not in inspect(connection).get_table_names():
        command.stamp(config, _FIRST)
    command.upgrade(config, HEAD)
