"""Tables: schemas follow from the row models, and BigQuery can take them."""

from decimal import Decimal

import pytest

from contracts.refusals import Reason, Refusal
from contracts.rows.market import SnapshotRow
from contracts.rows.row import Feature
from contracts.tables import ROW_MODELS, TABLES, read_row
from tests.contracts.examples import T0

CLUSTERABLE = {"STRING", "INTEGER", "NUMERIC", "BOOLEAN", "DATE", "TIMESTAMP"}


def test_every_table_is_declared_once():
    assert len(TABLES) == len(ROW_MODELS)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_partition_and_clustering_are_columns_that_bigquery_takes(table):
    columns = {column["name"]: column for column in table.schema}
    assert columns["event_time"]["type"] == "TIMESTAMP"
    assert table.definition()["time_partitioning"] == {"type": "DAY", "field": "event_time"}
    assert 1 <= len(table.clustering) <= 4
    for name in table.clustering:
        assert columns[name]["type"] in CLUSTERABLE
        assert columns[name]["mode"] == "REQUIRED"


def test_column_types_follow_the_model():
    columns = {column["name"]: column for column in TABLES["snapshots"].schema}
    assert columns["price"] == {"name": "price", "type": "NUMERIC", "mode": "REQUIRED"}
    assert columns["features"] == {
        "name": "features",
        "type": "RECORD",
        "mode": "REPEATED",
        "fields": [
            {"name": "name", "type": "STRING", "mode": "REQUIRED"},
            {"name": "value", "type": "FLOAT", "mode": "REQUIRED"},
        ],
    }
    messages = {column["name"]: column for column in TABLES["messages"].schema}
    assert messages["payload"]["type"] == "JSON"
    assert messages["recipient"]["mode"] == "NULLABLE"
    assert messages["late"]["type"] == "BOOLEAN"


def test_a_row_comes_back_as_it_was():
    row = SnapshotRow(
        row_id="r-1", event_time=T0, snapshot_id="s-1", symbol="BTCUSDT", bar_seconds=60, price=Decimal("1.5"),
        features=(Feature(name="rsi_14", value=50.0),),
    )  # fmt: skip
    assert read_row(row.to_json(), "snapshots") == row


@pytest.mark.parametrize(
    ("data", "table", "reason"),
    [
        (b"{}", "gossip", Reason.UNKNOWN_TABLE),
        (b"{}", None, Reason.UNKNOWN_TABLE),
        (b"{}", "snapshots", Reason.WRONG_FIELD),
        (b"junk", "snapshots", Reason.WRONG_FIELD),
    ],
)
def test_what_is_no_row_is_refused(data, table, reason):
    with pytest.raises(Refusal) as caught:
        read_row(data, table)
    assert caught.value.reason is reason
