"""How an emission's value looks on Pub/Sub, and as a line of a bounded run's output."""

from collections.abc import Iterable, Iterator
from functools import singledispatch
from typing import Any, NamedTuple

import orjson

from contracts.message import Message
from contracts.model import Contract
from contracts.refusals import MAX_MESSAGE_BYTES, DeadLetter
from contracts.rows.communication import Deliveries, DeliveryRow
from contracts.rows.row import Row


class Wire(NamedTuple):
    """A Pub/Sub message to be: data, attributes, and the ordering key ("" for none)."""

    data: bytes
    attributes: dict[str, str]
    ordering_key: str


@singledispatch
def wire(value: Any) -> Wire:
    """What is published for a value."""
    raise TypeError(f"{type(value).__name__} does not travel on a topic")


@wire.register
def _contract(value: Contract) -> Wire:
    return Wire(value.to_json(), {}, "")


@wire.register
def _message(message: Message) -> Wire:
    attributes = {
        "desk": message.desk,
        "type": str(message.type),
        "sender": message.sender,
        "event_time": message.event_time.isoformat(),
    }
    if message.recipient is not None:
        attributes["recipient"] = message.recipient
    return Wire(message.to_json(), attributes, f"{message.desk}/{message.recipient or message.symbol or ''}")


@wire.register
def _dead_letter(letter: DeadLetter) -> Wire:
    return Wire(letter.to_json(), {"job": letter.job, "reason": str(letter.reason)}, "")


def wire_rows(table: str, rows: Iterable[bytes]) -> Iterator[Wire]:
    """What is published for the rows of one table (as JSON): messages of a row a line, none too large to be read."""
    lines: list[bytes] = []
    size = 0
    for row in rows:
        if lines and size + len(row) > MAX_MESSAGE_BYTES - len(lines):
            yield _lines(table, lines)
            lines, size = [], 0
        lines.append(row)
        size += len(row)
    if lines:
        yield _lines(table, lines)


def _lines(table: str, lines: list[bytes]) -> Wire:
    return Wire(b"\n".join(lines), {"table": table, "count": str(len(lines))}, "")


def rows_in(value: Contract) -> tuple[str, list[bytes]] | None:
    """The table and the rows (as JSON) that a value is; None when it is no row."""
    if isinstance(value, Row):
        return value.table, [value.to_json()]
    if isinstance(value, Deliveries):
        return DeliveryRow.table, value.rows_as_json()
    return None


def lines(value: Contract) -> list[bytes]:
    """The value as lines of JSON; a row is put beside its table's name: `{"table": ..., "row": {...}}`."""
    found = rows_in(value)
    if found is None:
        return [value.to_json() + b"\n"]
    table, rows = found
    name = orjson.dumps(table)
    return [b'{"table":%s,"row":%s}\n' % (name, row) for row in rows]
