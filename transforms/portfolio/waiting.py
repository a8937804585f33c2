"""Waiting: wishes that follow a market which the desk has not been told of yet."""

from typing import Any

import orjson

from contracts.message import Message
from contracts.payloads import HftSignal, Proposal
from contracts.risk.standing import RiskStanding
from contracts.time import to_micros

PATIENCE_SECONDS = 5
"""A wish waits no longer than that, by the desk's clock; nor for a market that lies further ahead of it."""

KEPT = 100
"""So many wait at most; who comes then is judged at once."""


class Waiting:
    """Keeps a wish until the mark of its symbol is as young as the market that the wish says it follows (`as_of`).

    A bot hears the venue itself, the desk hears of it by the market job's marks, and either may come first. Judged as it
    comes, a wish would be priced and sized by the bar before the one that it was made on:

        T            a bar closes
        T +  40 ms   a signal as of T, on the desk's log before the mark: it waits
        T +  60 ms   the mark of T: the signal is judged by it, as it would have been behind it

    There is a mark for every bar, because the market job says one at the first event of each second. A wish that names
    no moment is judged at once. What has waited goes on to the checks as any other, which refuse it when there still is no
    price that is fresh.
    """

    def __init__(self, standing: RiskStanding) -> None:
        self._standing = standing
        self._messages: list[Message] = []

    def keep(self, message: Message) -> bool:
        """Whether the wish has to wait; it is kept then."""
        if len(self._messages) >= KEPT or not self._must_wait(message):
            return False
        self._messages.append(message)
        return True

    def due(self) -> list[Message]:
        """Those that need not wait any longer, in the order in which they came; they are let go."""
        if not self._messages:
            return []
        due = [message for message in self._messages if not self._must_wait(message)]
        self._messages = [message for message in self._messages if self._must_wait(message)]
        return due

    def _must_wait(self, message: Message) -> bool:
        said = message.payload
        if not isinstance(said, Proposal | HftSignal) or said.as_of is None:
            return False
        as_of, patience = to_micros(said.as_of), PATIENCE_SECONDS * 1_000_000
        mark = self._standing.book.last_mark(said.symbol)
        if mark is not None and mark.micros >= as_of:
            return False
        return as_of - patience <= to_micros(message.event_time) and self._standing.clock < as_of + patience

    # --- state ----------------------------------------------------------------------------------------------------

    def dump(self) -> list[Any]:
        """As JSON."""
        return [orjson.loads(message.to_json()) for message in self._messages]

    def load(self, dumped: list[Any]) -> None:
        """Take up what `dump` wrote."""
        self._messages = [Message.from_json(orjson.dumps(message)) for message in dumped]
