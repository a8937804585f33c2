from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus, Side
from execution.ledger import migration
from execution.ledger.backup import BackupError, back_up, restore
from execution.ledger.connection import connect
from execution.ledger.ledger import Ledger
from execution.ledger.migration import HEAD, OldLedger, migrate, upgrade_by_revisions
from execution.ledger.records import Record
from execution.ledger.verification import LedgerDisagrees
from execution.venues.venue import Unclear
from tests.execution.scripted_venue import ScriptedVenue
from tests.execution.trading_floor import Floor, request


@pytest.fixture
def engine(ledger_url: str) -> Iterator[Engine]:
    engine = connect(ledger_url)
    yield engine
    engine.dispose()


def traded(folder: Path, url: str) -> Floor:
    """A ledger with what a day leaves: filled, resting, half filled and unclear orders, two agents, two sides."""
    venue = ScriptedVenue()
    floor = Floor(folder, url=url, other_venue=venue)
    assert floor.placement.reconcile()
    for n in range(12):
        wanted = request(f"d-{n}", agent=f"agent-{n % 2}", side=Side.SELL if n % 5 == 0 else Side.BUY)
        if n == 11:
            venue.faults = [(True, Unclear("cut")), (False, Unclear("cut"))]
        floor.placement.place(wanted)
        if n % 3:
            venue.fill(wanted.client_order_id, Decimal("0.5") if n % 3 == 1 else Decimal("0.2"))
            venue.tell(wanted.client_order_id, venue.books[wanted.client_order_id].answer)
    return floor


# --- migrations ----------------------------------------------------------------------------------------


def test_the_revisions_lead_to_the_tables_that_are_declared(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade_by_revisions(connection, None)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Record.metadata) == []
        assert context.get_current_revision() == HEAD


def test_a_ledger_of_the_first_version_is_brought_up_to_date(
    engine: Engine, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, engine.begin() as connection:
        patched.setattr(migration, "HEAD", "0001")
        upgrade_by_revisions(connection, None)
        connection.exec_driver_sql("DROP TABLE alembic_version")
    if engine.dialect.name == "postgresql":
        with pytest.raises(OldLedger, match="run `sapphire ledger migrate`"):
            Ledger.open(ledger_url)
    assert migrate(engine) == ("0001", HEAD)
    assert migrate(engine) == (HEAD, HEAD)
    Ledger.open(ledger_url).close()
    assert "trade_id" in {column["name"] for column in inspect(engine).get_columns("fills")}


def test_a_newer_ledger_is_left_alone(engine: Engine, ledger_url: str) -> None:
    Ledger.open(ledger_url).close()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(OldLedger, match="newer than this version's"):
        Ledger.open(ledger_url)
    with pytest.raises(OldLedger):
        migrate(engine)


# --- restarts ------------------------------------------------------------------------------------------


def test_a_hundred_restarts_leave_the_same_state(tmp_path: Path, ledger_url: str) -> None:
    floor = traded(tmp_path, ledger_url)
    venue = floor.venue
    floor.ledger.close()
    first = Floor(tmp_path, other_venue=venue)
    assert first.placement.reconcile()
    state = first.ledger.state_hash()
    assert {order.life.status for order in first.ledger.open_orders()} == {
        OrderStatus.SUBMITTED, OrderStatus.PARTIALLY_FILLED,
    }  # fmt: skip
    first.ledger.close()
    for _ in range(100 if ledger_url.startswith("sqlite") else 10):
        floor = Floor(tmp_path, other_venue=venue)
        assert floor.placement.reconcile()
        assert floor.ledger.state_hash() == state
        floor.ledger.close()


def test_what_a_reconciliation_writes_has_the_same_ids_wherever_it_is_done(tmp_path: Path) -> None:
    states = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        floor = traded(tmp_path / name, "")
        floor.ledger.close()
        again = Floor(tmp_path / name, other_venue=floor.venue)
        assert again.placement.reconcile()
        states.append(again.ledger.state_hash())
        again.ledger.close()
    assert states[0] == states[1]


def test_a_check_begins_where_the_last_one_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execution.ledger.verification._CHECKPOINT_EVERY", 3)
    floor = traded(tmp_path, "")
    floor.ledger.verify()
    with floor.ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE fills SET quantity = '7' WHERE number = 1")
    floor.ledger.verify()
    with pytest.raises(LedgerDisagrees):
        floor.ledger.verify(from_start=True)
    with floor.ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE positions SET quantity = '7'")
    with pytest.raises(LedgerDisagrees, match="is not its fills' sum"):
        floor.ledger.verify()
    floor.ledger.close()


# --- backup and restore --------------------------------------------------------------------------------


def test_a_backup_is_the_ledger_and_can_be_traded_on(tmp_path: Path, ledger_url: str) -> None:
    floor = traded(tmp_path, ledger_url)
    venue, state = floor.venue, floor.ledger.state_hash()
    copied = back_up(ledger_url, tmp_path / "backup.db")
    assert (copied.orders, copied.state_hash) == (12, state)
    floor.ledger.close()
    (tmp_path / "restored").mkdir()
    url = f"sqlite:///{tmp_path}/restored/ledger.db"
    assert restore(tmp_path / "backup.db", url) == copied
    restored = Floor(tmp_path / "restored", url=url, other_venue=venue)
    assert restored.ledger.state_hash() == state
    assert restored.placement.reconcile()
    assert restored.placement.place(request("new")).is_new
    restored.ledger.verify(from_start=True)
    restored.ledger.close()


def test_a_backup_is_restored_to_an_empty_ledger_of_either_database(tmp_path: Path, ledger_url: str) -> None:
    (tmp_path / "source").mkdir()
    floor = traded(tmp_path / "source", "")
    copied = back_up(f"sqlite:///{tmp_path}/source/ledger.db", tmp_path / "backup.db")
    floor.ledger.close()
    assert restore(tmp_path / "backup.db", ledger_url) == copied
    with pytest.raises(BackupError, match="holds orders already"):
        restore(tmp_path / "backup.db", ledger_url)
    restored = Floor(tmp_path, url=ledger_url, other_venue=floor.venue)
    assert restored.placement.reconcile()
    assert restored.placement.place(new_order()).is_new
    restored.ledger.close()


def test_backups_are_not_written_over_and_have_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "backup.db").touch()
    with pytest.raises(BackupError, match="give the name of a new file"):
        back_up(f"sqlite:///{tmp_path}/ledger.db", tmp_path / "backup.db")
    with pytest.raises(BackupError, match="there is no backup"):
        restore(tmp_path / "none.db", f"sqlite:///{tmp_path}/ledger.db")


def new_order() -> OrderRequest:
    return request("after-the-restore")
