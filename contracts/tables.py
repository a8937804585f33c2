"""Every BigQuery table, declared once, with its schema derived from its row model."""

import types
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from contracts.refusals import Reason, Refusal, describe
from contracts.rows import communication, decisions, market, operations, reports, trading
from contracts.rows.row import Row

ROW_MODELS: tuple[type[Row], ...] = (
    market.MarketBar,
    market.SnapshotRow,
    market.MarketQuality,
    communication.MessageRow,
    communication.DeliveryRow,
    communication.ControlRow,
    communication.ThresholdSuggestion,
    communication.CommunicationMetric,
    decisions.DecisionRow,
    decisions.ModelCall,
    trading.RiskVerdict,
    trading.OrderRow,
    trading.ExecutionRow,
    trading.FundingRow,
    trading.PositionRow,
    trading.PortfolioRow,
    trading.AttributionRow,
    trading.AllocationRow,
    operations.DeadLetterRow,
    operations.CoreStateRow,
    reports.DeskMonth,
)
"""A new table is a new row model in this list."""

_COLUMN_TYPES: dict[type, str] = {
    bool: "BOOLEAN",
    int: "INTEGER",
    float: "FLOAT",
    str: "STRING",
    Decimal: "NUMERIC",
    datetime: "TIMESTAMP",
    date: "DATE",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A day-partitioned, clustered table."""

    name: str
    about: str
    partition_field: str
    clustering: tuple[str, ...]
    expiration_days: int
    schema: tuple[dict[str, Any], ...]
    model: type[Row]

    def definition(self) -> dict[str, Any]:
        """What Terraform and the create command read: JSON-ready."""
        return {
            "name": self.name,
            "description": self.about,
            "time_partitioning": {"type": "DAY", "field": self.partition_field},
            "expiration_days": self.expiration_days,
            "clustering": list(self.clustering),
            "schema": list(self.schema),
        }


def _column(name: str, annotation: Any, description: str | None) -> dict[str, Any]:
    mode = "REQUIRED"
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            base, *extras = get_args(annotation)
            if "JSON" in extras:
                return _described({"name": name, "type": "JSON", "mode": mode}, description)
            annotation = base
        elif origin in (Union, types.UnionType):
            mode = "NULLABLE"
            annotation = next(option for option in get_args(annotation) if option is not type(None))
        elif origin in (tuple, list):
            mode = "REPEATED"
            annotation = get_args(annotation)[0]
        else:
            break
    column: dict[str, Any] = {"name": name, "type": "STRING", "mode": mode}
    if issubclass(annotation, BaseModel):
        column |= {"type": "RECORD", "fields": columns_of(annotation)}
    elif not issubclass(annotation, Enum):
        column["type"] = _COLUMN_TYPES[annotation]
    return _described(column, description)


def _described(column: dict[str, Any], description: str | None) -> dict[str, Any]:
    return column | {"description": description} if description else column


def columns_of(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The BigQuery columns of a model's fields, in their order."""
    columns = []
    for name, field in model.model_fields.items():
        annotation = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        columns.append(_column(name, annotation, field.description))
    return columns


def _table(model: type[Row]) -> Table:
    return Table(
        name=model.table,
        about=model.about,
        partition_field="event_time",
        clustering=model.clustering,
        expiration_days=model.expiration_days,
        schema=tuple(columns_of(model)),
        model=model,
    )


TABLES: dict[str, Table] = {model.table: _table(model) for model in ROW_MODELS}
"""By name."""


def read_row(data: bytes, table: str | None) -> Row:
    """The row in a message of the rows topic; raises `Refusal` when the table or a column is wrong."""
    if table not in TABLES:
        raise Refusal(Reason.UNKNOWN_TABLE, f"unknown table {table!r}; known are {', '.join(TABLES)}")
    try:
        return TABLES[table].model.from_json(data)
    except ValidationError as error:
        raise Refusal(Reason.WRONG_FIELD, describe(error)) from None
