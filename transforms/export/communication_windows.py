"""Communication by window: what each agent said and heard in every 10 s and minute, from the rows of coordination."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

from contracts.controls import MessageClass
from contracts.coordination.participation import DeliveryReason
from contracts.rows.communication import CommunicationMetric, DeliveryRow, MessageRow
from contracts.time import from_micros, read_micros, to_micros
from transforms.coordination.rows import Verdict
from transforms.core import ROWS, Output
from transforms.export.quantiles import Quantiles
from transforms.log import LogEntry

WINDOWS_SECONDS = (10, 60)

REMAINDER_ROWS = 100
"""Late rows are gathered over so many rows: that bounds what is held, however far back rows are dated."""

_SECOND = 1_000_000

_Window = tuple[int, int]
"""Its length in seconds, and its start in microseconds."""


@dataclass(slots=True)
class _Counts:
    sent: int = 0
    admitted: int = 0
    refused: int = 0
    throttled: int = 0
    throttled_signals: int = 0
    throttled_chatter: int = 0
    delivered: int = 0
    suppressed: int = 0
    suppressed_not_relevant: int = 0
    suppressed_sender_too_active: int = 0
    activity_score: float = 0.0
    threshold: float | None = None
    latencies: Quantiles = field(default_factory=Quantiles)

    def say(self, row: MessageRow, latency_ms: float | None) -> None:
        """Count a message of the agent."""
        throttled = row.verdict == Verdict.THROTTLED
        self.sent += 1
        self.admitted += row.verdict == Verdict.ADMITTED
        self.refused += row.verdict in (Verdict.REFUSED, Verdict.DUPLICATE)
        self.throttled += throttled
        self.throttled_signals += throttled and row.message_class is MessageClass.SIGNAL
        self.throttled_chatter += throttled and row.message_class is MessageClass.CHATTER
        self.activity_score = row.activity_score
        if latency_ms is not None:
            self.latencies.add(latency_ms)

    def hear(self, row: DeliveryRow) -> None:
        """Count a message that the agent might have heard."""
        self.delivered += row.delivered
        self.suppressed += not row.delivered
        self.suppressed_not_relevant += row.reason == DeliveryReason.NOT_RELEVANT
        self.suppressed_sender_too_active += row.reason == DeliveryReason.SENDER_TOO_ACTIVE
        if row.reason not in (DeliveryReason.CRITICAL, DeliveryReason.DIRECTED):
            self.threshold = row.threshold

    def metrics(self) -> dict[str, Any]:
        """The columns."""
        columns = {
            column.name: getattr(self, column.name) for column in fields(self) if column.name != "latencies"
        }
        return columns | {"latency_p50_ms": self.latencies.at(0.5), "latency_p99_ms": self.latencies.at(0.99)}

    def state(self) -> list:
        """Every field: what `of` reads."""
        return [*(getattr(self, column.name) for column in fields(self)[:-1]), self.latencies.state()]

    @classmethod
    def of(cls, state: list) -> "_Counts":
        """Go on from what `state` gave."""
        counts = cls(*state[:-1])
        counts.latencies = Quantiles(dict(state[-1]))
        return counts


_Held = dict[_Window, dict[str, _Counts]]
"""The counts by window and agent."""


class CommunicationWindows:
    """The core that counts one desk's fixed windows of 10 s and of a minute of event time.

    A window is written when an event comes that is a whole window past its end, or when the desk falls idle. What
    arrives for it later is its remainder, written as a further row of the same window: the counts of a window's rows
    add up. Remainders wait for more of their kind, until a hundred rows have come or the desk falls idle. For the windows
    of a minute:

        message at  10:00:10   10:00:50   10:01:20      10:02:05            10:00:59 (late)   idle
        open        10:00      10:00      10:00, 10:01  10:01, 10:02        10:01, 10:02      -
        remainder   -          -          -             -                   10:00             -
        written     -          -          -             10:00 (sent 2)      -                 10:00 (sent 1), 10:01, 10:02

    Latency is from a message's sending to its verdict's row on Pub/Sub, both by the wall clock, where both are known.
    """

    def __init__(self, desk: str) -> None:
        self._desk = desk
        self._open: _Held = {}
        self._remainders: _Held = {}
        self._remainder_rows = 0
        self._latest = 0
        self._written = 0

    def apply(self, entry: LogEntry) -> list[Output]:
        """Count the row; write the windows that the latest time seen closes."""
        row: MessageRow | DeliveryRow = entry.value
        micros = to_micros(row.event_time)
        self._latest = max(self._latest, entry.event_micros)
        for seconds in WINDOWS_SECONDS:
            window = (seconds, micros - micros % (seconds * _SECOND))
            held = self._remainders if self._is_past(window) else self._open
            agents = held.setdefault(window, {})
            if isinstance(row, MessageRow):
                agents.setdefault(row.sender, _Counts()).say(row, _latency_ms(entry))
            else:
                agents.setdefault(row.recipient, _Counts()).hear(row)
        outputs = self._write(self._open, [window for window in self._open if self._is_past(window)])
        self._remainder_rows += bool(self._remainders)
        return outputs + self._write_remainders() if self._remainder_rows >= REMAINDER_ROWS else outputs

    def flush(self) -> list[Output]:
        """Write every window that is open, and every remainder."""
        return self._write_remainders() + self._write(self._open, self._open)

    def _is_past(self, window: _Window) -> bool:
        """Whether the latest time seen is a whole window past its end."""
        seconds, start = window
        return start + 2 * seconds * _SECOND <= self._latest

    def _write_remainders(self) -> list[Output]:
        self._remainder_rows = 0
        return self._write(self._remainders, self._remainders)

    def _write(self, held: _Held, windows: Iterable[_Window]) -> list[Output]:
        """Write these windows and hold them no longer."""
        return [
            Output(ROWS, self._metric(window, agent, counts))
            for window in sorted(windows)
            for agent, counts in sorted(held.pop(window).items())
        ]

    def _metric(self, window: _Window, agent: str, counts: _Counts) -> CommunicationMetric:
        seconds, start = window
        self._written += 1
        return CommunicationMetric(
            row_id=f"{start:014x}-{self._desk}-w{self._written}",
            event_time=from_micros(start + seconds * _SECOND - 1),
            desk=self._desk,
            agent=agent,
            window_start=from_micros(start),
            window_seconds=seconds,
            **counts.metrics(),
        )

    def dump(self) -> bytes:
        """All that is held, and the count of rows written."""
        held = [_state(self._open), self._latest, _state(self._remainders), self._remainder_rows]
        return orjson.dumps([self._written, *held])

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        self._written, windows, *rest = orjson.loads(state)
        # Jobs that were started before remainders were held apart wrote the first two alone.
        self._latest, remainders, self._remainder_rows = rest or (0, [], 0)
        self._open, self._remainders = _held(windows), _held(remainders)


def _state(held: _Held) -> list:
    return [
        [*window, [[agent, counts.state()] for agent, counts in sorted(agents.items())]]
        for window, agents in sorted(held.items())
    ]


def _held(windows: list) -> _Held:
    return {
        (seconds, start): {agent: _Counts.of(counts) for agent, counts in agents}
        for seconds, start, agents in windows
    }


def _latency_ms(entry: LogEntry) -> float | None:
    if entry.sent_at is None or not entry.publish_micros:
        return None
    try:
        return max(0, entry.publish_micros - read_micros(entry.sent_at)) / 1_000
    except ValueError:
        return None
