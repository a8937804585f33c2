"""The state that a trading job told: what the live view holds of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from contracts.core_states import Teller, core_state, field_of
from contracts.message import Message, said_by
from contracts.payloads import Mark
from contracts.risk.limits import Limits
from contracts.roster import Roster
from contracts.time import to_micros
from tests.agents.gateway.desk import NOON
from transforms.log import LogEntry
from transforms.portfolio.desk import Desk

TWO_SECONDS = timedelta(seconds=2)


def marked(symbol: str, price: str, moment: datetime = NOON, **fields: Any) -> Message:
    said = Mark(symbol=symbol, price=Decimal(price), **fields)
    return said_by("market", said, desk="main", event_time=moment, derived_from=(symbol, str(moment)))


def desk_with(roster: Roster, *log: Message) -> Desk:
    """A desk that took these messages."""
    core = Desk("main", roster, Limits())
    for position, message in enumerate(log, 1):
        core.apply(LogEntry("main", position, False, to_micros(message.event_time), message))
    return core


def told(core: Desk, told_at: datetime = NOON - TWO_SECONDS) -> dict[str, Any]:
    """The hash of core states with that desk's."""
    row = core_state("trading", "main", 2, to_micros(NOON), core.dump(), told_at)
    return {field_of("trading", Teller.JOB): orjson.loads(row.to_json())}


def told_by_trading(roster: Roster) -> dict[str, Any]:
    """The hash of core states, with a desk that knows the price of BTC."""
    return told(desk_with(roster, marked("BTCUSDT", "42000")))
