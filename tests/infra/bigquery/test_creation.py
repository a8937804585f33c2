"""Creating tables and views at the emulator, and asking them as anybody would."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.bigquery import Client

from contracts.tables import TABLES
from infra.bigquery.counting import rows_by_table, verdicts
from infra.bigquery.creation import CreationError, create
from infra.bigquery.views import read_views


def test_tables_are_day_partitioned_and_clustered_as_declared(client: Client) -> None:
    made = create(client, "declared")
    assert made.tables == list(TABLES)
    assert made.views == [view.name for view in read_views()]
    for name, table in TABLES.items():
        found = client.get_table(f"{client.project}.declared.{name}")
        assert found.clustering_fields == list(table.clustering)
        assert found.time_partitioning.type_ == "DAY"
        assert found.time_partitioning.field == "event_time"
        assert found.time_partitioning.expiration_ms == table.expiration_days * 86_400_000
        assert [column.name for column in found.schema] == [column["name"] for column in table.schema]


def test_creating_again_changes_nothing(client: Client) -> None:
    tables = [TABLES["orders"], TABLES["snapshots"]]
    create(client, "twice", tables=tables, views=[])
    again = create(client, "twice", tables=tables, views=[])
    assert (again.tables, again.columns, again.views) == ([], [], [])


def test_a_replayed_day_needs_partitions_that_stay(client: Client) -> None:
    create(client, "kept", tables=[TABLES["orders"]], views=[], expiration=False)
    assert client.get_table(f"{client.project}.kept.orders").time_partitioning.expiration_ms is None


def test_a_new_column_is_added_and_may_be_empty(client: Client) -> None:
    orders = TABLES["orders"]
    of_old = replace(orders, schema=orders.schema[:-2])
    create(client, "grown", tables=[of_old], views=[])
    made = create(client, "grown", tables=[orders], views=[])
    assert made.columns == ["orders.reduce_only", "orders.correlation_id"]
    found = {column.name: column.mode for column in client.get_table(f"{client.project}.grown.orders").schema}
    assert list(found) == [column["name"] for column in orders.schema]
    assert (found["reduce_only"], found["client_order_id"]) == ("NULLABLE", "REQUIRED")


def test_a_view_is_brought_up_to_date(client: Client) -> None:
    (view,) = (view for view in read_views() if view.name == "agent_activity_by_hour")
    create(client, "viewed", views=[view])
    assert list(client.query_and_wait(f"SELECT * FROM `{client.project}.viewed.{view.name}`")) == []
    other = replace(view, template="SELECT COUNT(*) AS found FROM `${project}.${dataset}.orders`")
    assert create(client, "viewed", views=[other]).views == ["agent_activity_by_hour"]
    (line,) = client.query_and_wait(f"SELECT * FROM `{client.project}.viewed.{view.name}`")
    assert dict(line) == {"found": 0}


def test_what_bigquery_refuses_is_one_sentence(client: Client) -> None:
    with pytest.raises(CreationError, match=r"BigQuery refused in sapphire-test\.not a dataset"):
        create(client, "not a dataset", tables=[TABLES["orders"]], views=[])


HOUR = datetime(2024, 1, 15, 9, 30, tzinfo=UTC)


def row(table: str, row_id: str, **values: Any) -> dict[str, Any]:
    """A row with the columns that matter here; the others get what their type allows."""
    empty = {"STRING": "x", "INTEGER": 1, "FLOAT": 0.5, "BOOLEAN": True, "NUMERIC": "1", "JSON": "{}"}
    filled = {column["name"]: empty.get(column["type"]) for column in TABLES[table].schema}
    return filled | {"row_id": row_id, "event_time": HOUR.isoformat(), "desk": "main"} | values


def test_agent_activity_by_hour(client: Client) -> None:
    create(client, "activity")
    rows = {
        "messages": [
            row("messages", "m1", sender="qwen-7b", verdict="admitted"),
            row("messages", "m2", sender="qwen-7b", verdict="throttled"),
            row(
                "messages", "m3", sender="qwen-7b", verdict="admitted", event_time="2024-01-15T10:00:00+00:00"
            ),
        ],
        "deliveries": [
            row("deliveries", "d1", sender="qwen-7b", recipient="deepseek-v3", delivered=True),
            row("deliveries", "d2", sender="qwen-7b", recipient="fingpt-alpha", delivered=False),
        ],
        "decisions": [row("decisions", "c1", agent="deepseek-v3")],
        "orders": [row("orders", "o1", agent="deepseek-v3"), row("orders", "o2", agent="freqtrade-hft")],
    }
    for table, content in rows.items():
        assert client.insert_rows_json(f"{client.project}.activity.{table}", content) == []

    query = "SELECT * FROM `sapphire-test.activity.agent_activity_by_hour` ORDER BY hour, agent"
    found = [tuple(line.values()) for line in client.query_and_wait(query)]
    nine, ten = HOUR.replace(minute=0), HOUR.replace(hour=10, minute=0)
    assert found == [
        ("main", "deepseek-v3", nine, 0, 0, 1, 0, 1, 1),
        ("main", "fingpt-alpha", nine, 0, 0, 0, 1, 0, 0),
        ("main", "freqtrade-hft", nine, 0, 0, 0, 0, 0, 1),
        ("main", "qwen-7b", nine, 2, 1, 0, 0, 0, 0),
        ("main", "qwen-7b", ten, 1, 0, 0, 0, 0, 0),
    ]
    counted = rows_by_table(client, "activity")
    assert {name: count for name, count in counted.items() if count} == {
        "messages": 3,
        "deliveries": 2,
        "decisions": 1,
        "orders": 2,
    }
    assert verdicts(client, "activity") == {
        "throttled": 1,
        "deliveries": 1,
        "suppressed": 1,
        "refused_proposals": 0,
        "fills": 0,
    }
