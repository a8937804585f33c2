"""Creating what the desk needs in BigQuery: the dataset, day-partitioned clustered tables, views."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery

from contracts.tables import TABLES, Table
from infra.bigquery.views import View, read_views

_DAY_MS = 86_400_000


class CreationError(RuntimeError):
    """BigQuery refused; the text says what, in one sentence."""


@dataclass(slots=True)
class Created:
    """What was made or changed; empty lists when everything was there already."""

    tables: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)


def create(
    client: bigquery.Client,
    dataset: str,
    *,
    expiration: bool = True,
    location: str | None = None,
    tables: Iterable[Table] = tuple(TABLES.values()),
    views: Iterable[View] | None = None,
) -> Created:
    """Create what is missing, add new columns, bring the views up to date; nothing is ever dropped.

    Without `expiration` partitions are kept for good. A replay needs that: its rows carry the recorded day as
    event time, and on BigQuery a partition of January 2024 that expires after 400 days is gone the moment it
    is written. Raises `CreationError`.
    """
    made = Created()
    try:
        home = bigquery.Dataset(f"{client.project}.{dataset}")
        if location is not None:
            home.location = location
        client.create_dataset(home, exists_ok=True)
        for table in tables:
            _bring_table(client, dataset, table, expiration, made)
        for view in read_views() if views is None else views:
            _bring_view(client, dataset, view, made)
    except GoogleAPICallError as error:
        raise CreationError(f"BigQuery refused in {client.project}.{dataset}: {error.message}") from None
    return made


def _bring_table(
    client: bigquery.Client, dataset: str, table: Table, expiration: bool, made: Created
) -> None:
    wanted = [bigquery.SchemaField.from_api_repr(deepcopy(column)) for column in table.schema]
    try:
        existing = client.get_table(f"{client.project}.{dataset}.{table.name}")
    except NotFound:
        client.create_table(_new_table(client, dataset, table, wanted, expiration))
        made.tables.append(table.name)
        return
    known = {column.name for column in existing.schema}
    new = [column for column in wanted if column.name not in known]
    if new:
        # A column that comes later cannot be required: the rows before it have none.
        existing.schema = [*existing.schema, *(_optional(column) for column in new)]
        client.update_table(existing, ["schema"])
        made.columns.extend(f"{table.name}.{column.name}" for column in new)


def _new_table(
    client: bigquery.Client, dataset: str, table: Table, schema: list[bigquery.SchemaField], expiration: bool
) -> bigquery.Table:
    new = bigquery.Table(f"{client.project}.{dataset}.{table.name}", schema=schema)
    new.description = table.about
    new.time_partitioning = bigquery.TimePartitioning(
        type_=bigquery.TimePartitioningType.DAY,
        field=table.partition_field,
        expiration_ms=table.expiration_days * _DAY_MS if expiration else None,
    )
    new.clustering_fields = list(table.clustering)
    return new


def _optional(column: bigquery.SchemaField) -> bigquery.SchemaField:
    described = dict(column.to_api_repr())
    if described.get("mode") == "REQUIRED":
        described["mode"] = "NULLABLE"
    return bigquery.SchemaField.from_api_repr(described)


def _bring_view(client: bigquery.Client, dataset: str, view: View, made: Created) -> None:
    query = view.query(client.project, dataset)
    reference = f"{client.project}.{dataset}.{view.name}"
    try:
        existing = client.get_table(reference)
    except NotFound:
        new = bigquery.Table(reference)
        new.view_query = query
        new.description = view.about
        client.create_table(new)
        made.views.append(view.name)
        return
    # bqemulator does not tell a view's query; there it is written anew each time.
    if (existing.view_query or "").strip() != query:
        existing.view_query = query
        client.update_table(existing, ["view_query"])
        made.views.append(view.name)
