"""Intakes: how the messages of each kind of topic are addressed and read."""

from collections.abc import Callable

import orjson

from contracts.market_data import MarketBatch, read_market_batch
from contracts.message import Message
from contracts.refusals import MAX_MESSAGE_BYTES, Reason, Refusal, read_message
from contracts.rows.row import Row
from contracts.tables import read_row
from contracts.time import from_micros, read_micros, to_micros
from transforms.log import Address, Raw

_new = tuple.__new__  # a NamedTuple's own is written in Python, and every message is addressed

MOST_AHEAD_MICROS = 5 * 60 * 1_000_000
"""So far may what is said be dated after Pub/Sub took it. A key's time never goes back: one message from next year would
make all that follows late, and every budget of the desk would stand still until then."""


class MessageIntake:
    """Reads `contracts.Message`s; `keys` says whose logs one joins, by default its desk's.

    `keys` sees the message as a plain dictionary (unvalidated): addressing must be cheap, reading comes after. What is
    dated in the future is refused.
    """

    def __init__(self, keys: Callable[[dict], tuple[str, ...]] | None = None) -> None:
        self._keys = keys or _desk

    def address(self, raw: Raw) -> Address:
        if len(raw.data) > MAX_MESSAGE_BYTES:
            raise Refusal(Reason.TOO_LARGE, f"{len(raw.data)} bytes; the limit is {MAX_MESSAGE_BYTES}")
        try:
            content = orjson.loads(raw.data)
            keys, entry_id = self._keys(content), content["message_id"]
            micros = read_micros(content["event_time"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _no_address() from None
        for name in (entry_id, *keys):
            if not isinstance(name, str):
                raise _no_address()
        _check_time(micros, raw)
        return _new(Address, (keys, micros, entry_id))

    def read(self, raw: Raw) -> Message:
        return read_message(raw.data)


def _no_address() -> Refusal:
    return Refusal(Reason.WRONG_FIELD, "its ids or its event_time (ISO 8601 with a zone) cannot be read")


def _check_time(micros: int, raw: Raw) -> None:
    """Refuse what is dated in the future; what comes from a file was not taken by anybody at any time."""
    if raw.publish_micros and micros > raw.publish_micros + MOST_AHEAD_MICROS:
        told, taken = from_micros(micros).isoformat(), from_micros(raw.publish_micros).isoformat()
        raise Refusal(
            Reason.WRONG_FIELD, f"its event_time {told} lies in the future: it was taken at {taken}"
        )


def _desk(content: dict) -> tuple[str, ...]:
    return (content["desk"],)


class MarketDataIntake:
    """Reads market-data batches, keyed by symbol.

    A batch is refused when its attribute event_time, which gives it its place in the log, is not that of its latest row, and
    when it is dated in the future.
    """

    def address(self, raw: Raw) -> Address:
        attributes = raw.attributes
        try:
            micros = read_micros(attributes["event_time"])
            entry_id = f"{attributes['kind']}/{int(attributes['sequence']):012d}"
            return Address((attributes["symbol"],), micros, entry_id)
        except (ValueError, KeyError, TypeError):
            raise Refusal(Reason.NOT_MARKET_DATA, "market data needs its attributes") from None

    def read(self, raw: Raw) -> MarketBatch:
        batch = read_market_batch(raw.data, raw.attributes)
        latest = to_micros(batch.event_time)
        if self.address(raw).event_micros != latest:
            told = raw.attributes["event_time"]
            raise Refusal(
                Reason.WRONG_FIELD, f"its event_time is {told}, and its latest row's {batch.event_time}"
            )
        _check_time(latest, raw)
        return batch


class RowIntake:
    """Reads table rows, keyed by table."""

    def address(self, raw: Raw) -> Address:
        try:
            content = self.content(raw)
            return Address(
                (raw.attributes["table"],), read_micros(content["event_time"]), str(content["row_id"])
            )
        except (ValueError, KeyError, TypeError):
            raise Refusal(Reason.WRONG_FIELD, "not a row") from None

    def content(self, raw: Raw) -> dict:
        """The row as a plain dictionary, unvalidated."""
        return orjson.loads(raw.data)

    def read(self, raw: Raw) -> Row:
        return read_row(raw.data, raw.attributes.get("table"))
