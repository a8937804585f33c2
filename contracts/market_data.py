"""Market data on the wire: columns in Arrow IPC, or JSON arrays of the same columns; one symbol and one kind a batch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

import orjson
import pyarrow as pa

from contracts.refusals import MAX_MESSAGE_BYTES, Reason, Refusal
from contracts.time import from_micros, read_micros, to_micros

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"

MAX_BATCH_EVENTS = 500
"""What a feed puts into one batch at most."""


class MarketKind(StrEnum):
    """What the rows of a batch are."""

    TRADE = "trade"
    QUOTE = "quote"
    BOOK_UPDATE = "book_update"
    BOOK_SNAPSHOT = "book_snapshot"
    MARK = "mark"
    BAR = "bar"


_TIME = pa.timestamp("us", tz="UTC")


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(
        [pa.field("event_time", _TIME, nullable=False), *(pa.field(n, t, False) for n, t in columns.items())]
    )


_BOOK = _schema(
    first_id=pa.int64(),
    last_id=pa.int64(),
    previous_id=pa.int64(),
    is_bid=pa.bool_(),
    price=pa.float64(),
    quantity=pa.float64(),
)

SCHEMAS: dict[MarketKind, pa.Schema] = {
    MarketKind.TRADE: _schema(
        trade_id=pa.int64(), price=pa.float64(), quantity=pa.float64(), buyer_is_maker=pa.bool_()
    ),
    MarketKind.QUOTE: _schema(
        bid=pa.float64(), bid_quantity=pa.float64(), ask=pa.float64(), ask_quantity=pa.float64()
    ),
    MarketKind.BOOK_UPDATE: _BOOK,
    MarketKind.BOOK_SNAPSHOT: _BOOK,
    MarketKind.MARK: _schema(mark_price=pa.float64(), index_price=pa.float64(), funding_rate=pa.float64()),
    MarketKind.BAR: _schema(
        open_time=_TIME,
        open=pa.float64(),
        high=pa.float64(),
        low=pa.float64(),
        close=pa.float64(),
        volume=pa.float64(),
        quote_volume=pa.float64(),
        trades=pa.int64(),
        taker_buy_volume=pa.float64(),
    ),
}
"""The columns of each kind.

Prices are in quote currency, quantities and volumes in the base asset. A book's rows are single levels: rows with the
same last_id are one update, quantity 0 removes the level. A bar's event_time is the moment it closed, not before which it
was known; only closed bars travel.
"""


@dataclass(frozen=True, slots=True)
class MarketBatch:
    """Events of one kind about one symbol, in the order in which the feed saw them.

    `event_time` is the latest event's; `sequence` counts the feed's batches of this symbol and kind from 1, so that a
    reader can tell a gap from silence.
    """

    symbol: str
    kind: MarketKind
    event_time: datetime
    sequence: int
    rows: pa.RecordBatch

    @classmethod
    def of(cls, symbol: str, kind: MarketKind, sequence: int, rows: pa.RecordBatch) -> Self:
        """A batch of `rows` (at least one), its event_time told by them."""
        latest = rows.column("event_time").cast(pa.int64()).to_numpy().max()
        return cls(symbol, kind, from_micros(int(latest)), sequence, rows)

    def attributes(self) -> dict[str, str]:
        """The Pub/Sub attributes that travel with `encode`'s bytes."""
        return {
            "symbol": self.symbol,
            "kind": str(self.kind),
            "event_time": self.event_time.isoformat(),
            "sequence": str(self.sequence),
            "count": str(self.rows.num_rows),
            "content_type": ARROW,
        }

    def encode(self) -> bytes:
        """The rows as an Arrow IPC stream."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.rows.schema) as stream:
            stream.write_batch(self.rows)
        return bytes(sink.getvalue())


def rows_of(kind: MarketKind, columns: Mapping[str, object]) -> pa.RecordBatch:
    """A record batch of the kind's schema from columns (lists or arrays; event_time as microseconds or datetimes)."""
    schema = SCHEMAS[kind]
    return pa.record_batch([pa.array(columns[field.name], field.type) for field in schema], schema)


def read_market_batch(data: bytes, attributes: Mapping[str, str]) -> MarketBatch:
    """The batch in a Pub/Sub message; raises `Refusal` with the reason when it is not market data that we understand."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"{len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    try:
        symbol, sequence = attributes["symbol"], int(attributes["sequence"])
    except (KeyError, ValueError):
        raise Refusal(
            Reason.NOT_MARKET_DATA, "market data needs the attributes symbol, kind and sequence"
        ) from None
    if attributes.get("kind") not in set(MarketKind):
        raise Refusal(
            Reason.UNKNOWN_TYPE, f"unknown kind {attributes.get('kind')!r}; known are {', '.join(MarketKind)}"
        )
    kind = MarketKind(attributes["kind"])
    content_type = attributes.get("content_type", ARROW)
    if content_type not in _READERS:
        raise Refusal(
            Reason.NOT_MARKET_DATA, f"unknown content_type {content_type!r}; known are {', '.join(_READERS)}"
        )
    if not _SYMBOL.fullmatch(symbol) or not 1 <= sequence < 2**53:
        raise Refusal(Reason.WRONG_FIELD, f"no symbol, or no number of a batch: {symbol[:40]!r}, {sequence}")
    rows = _READERS[content_type](data, kind)
    if rows.num_rows == 0:
        raise Refusal(Reason.NOT_MARKET_DATA, "the batch has no rows")
    if any(column.null_count for column in rows.columns):
        raise Refusal(Reason.WRONG_FIELD, f"a row of {kind} has no nulls")
    _check_times(rows)
    return MarketBatch.of(symbol, kind, sequence, rows)


_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,23}")


def _check_times(rows: pa.RecordBatch) -> None:
    """Refuse what is no moment of ours; a single such event would make everything after it late."""
    for place, column in enumerate(rows.schema):
        if column.type == _TIME:
            times = rows.column(place).view(pa.int64()).to_numpy()
            if times.min() < 0 or times.max() >= _END_MICROS:
                raise Refusal(Reason.WRONG_FIELD, f"{column.name}: a time outside of the years 1970 to 2199")


_END_MICROS = to_micros(datetime(2200, 1, 1, tzinfo=UTC))


def _from_arrow(data: bytes, kind: MarketKind) -> pa.RecordBatch:
    try:
        with pa.ipc.open_stream(data) as stream:
            if not stream.schema.equals(SCHEMAS[kind]):
                names = ", ".join(SCHEMAS[kind].names)
                raise Refusal(Reason.WRONG_FIELD, f"{kind} has these columns, not null: {names}")
            rows = stream.read_next_batch()
            rows.validate()
            if next(stream, None) is not None:
                raise Refusal(Reason.NOT_MARKET_DATA, "more than one record batch in a message")
    except (pa.ArrowException, OSError, StopIteration) as error:
        raise Refusal(Reason.NOT_MARKET_DATA, f"not an Arrow stream: {error}") from None
    return rows


def _from_json(data: bytes, kind: MarketKind) -> pa.RecordBatch:
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Refusal(Reason.NOT_JSON, str(error)) from None
    try:
        columns = {name: [row[name] for row in content] for name in SCHEMAS[kind].names}
        for name in columns:
            if pa.types.is_timestamp(SCHEMAS[kind].field(name).type):
                columns[name] = [read_micros(value) for value in columns[name]]
        rows = rows_of(kind, columns)
    except (KeyError, TypeError, ValueError, OverflowError, pa.ArrowException) as error:
        raise Refusal(Reason.WRONG_FIELD, f"not an array of {kind} rows: {error!r}") from None
    return rows


_READERS = {ARROW: _from_arrow, JSON: _from_json}
