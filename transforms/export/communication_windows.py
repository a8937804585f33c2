"""Communication by window: what each agent said and heard in every minute, counted from the rows of coordination."""

from dataclasses import asdict, dataclass

import orjson

from contracts.rows.communication import CommunicationMetric, DeliveryRow, MessageRow
from contracts.time import from_micros, to_micros
from transforms.coordination.rows import Verdict
from transforms.core import ROWS, Output
from transforms.log import LogEntry

WINDOW_SECONDS = 60
_WINDOW_MICROS = WINDOW_SECONDS * 1_000_000


@dataclass(slots=True)
class _Counts:
    sent: int = 0
    admitted: int = 0
    throttled: int = 0
    delivered: int = 0
    suppressed: int = 0
    activity_score: float = 0.0


class CommunicationWindows:
    """The core that counts one desk's fixed windows of a minute of event time.

    A window is written when an event comes that is a whole window past its end, or when the desk falls idle. What
    arrives for it later is written as a further row of the same window: the counts of a window's rows add up.

        message at    10:00:10   10:00:50   10:01:20       10:02:05         10:00:59 (late)   idle
        open          10:00      10:00      10:00, 10:01   10:01, 10:02     + 10:00           -
        written       -          -          -              10:00 (sent 2)   10:00 (sent 1)    10:01, 10:02
    """

    def __init__(self, desk: str) -> None:
        self._desk = desk
        self._open: dict[int, dict[str, _Counts]] = {}
        self._written = 0

    def apply(self, entry: LogEntry) -> list[Output]:
        """Count the row; write the windows that its time closes."""
        self._count(entry.value)
        return self._close_before(entry.event_micros - _WINDOW_MICROS)

    def flush(self) -> list[Output]:
        """Write every window that is open."""
        return self._close_before(max(self._open, default=0) + 2 * _WINDOW_MICROS)

    def _count(self, row: MessageRow | DeliveryRow) -> None:
        start = to_micros(row.event_time) // _WINDOW_MICROS * _WINDOW_MICROS
        agents = self._open.setdefault(start, {})
        if isinstance(row, MessageRow):
            counts = agents.setdefault(row.sender, _Counts())
            counts.sent += 1
            counts.admitted += row.verdict == Verdict.ADMITTED
            counts.throttled += row.verdict == Verdict.THROTTLED
            counts.activity_score = row.activity_score
        else:
            counts = agents.setdefault(row.recipient, _Counts())
            counts.delivered += row.delivered
            counts.suppressed += not row.delivered

    def _close_before(self, micros: int) -> list[Output]:
        closing = sorted(start for start in self._open if start + _WINDOW_MICROS <= micros)
        return [
            Output(ROWS, self._metric(start, agent, counts))
            for start in closing
            for agent, counts in sorted(self._open.pop(start).items())
        ]

    def _metric(self, start: int, agent: str, counts: _Counts) -> CommunicationMetric:
        self._written += 1
        return CommunicationMetric(
            row_id=f"{start:014x}-{self._desk}-w{self._written}",
            event_time=from_micros(start + _WINDOW_MICROS - 1),
            desk=self._desk,
            agent=agent,
            window_start=from_micros(start),
            window_seconds=WINDOW_SECONDS,
            **asdict(counts),
        )

    def dump(self) -> bytes:
        """The open windows and the count of rows written."""
        windows = [
            [start, [[agent, list(asdict(counts).values())] for agent, counts in sorted(agents.items())]]
            for start, agents in sorted(self._open.items())
        ]
        return orjson.dumps([self._written, windows])

    def restore(self, state: bytes) -> None:
        """Take up the state that `dump` wrote."""
        self._written, windows = orjson.loads(state)
        self._open = {
            start: {agent: _Counts(*values) for agent, values in agents} for start, agents in windows
        }
