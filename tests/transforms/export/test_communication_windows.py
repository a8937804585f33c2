"""Communication by window: the worked timeline, every count, latencies, and the state."""

import orjson

from contracts.controls import MessageClass
from contracts.message import MessageType
from contracts.rows.communication import CommunicationMetric, DeliveryRow, MessageRow
from contracts.time import from_micros
from transforms.core import Output
from transforms.export.communication_windows import REMAINDER_ROWS, CommunicationWindows
from transforms.export.quantiles import ERROR, Quantiles
from transforms.log import LogEntry

SECOND = 1_000_000
TEN = 1_705_312_800 * SECOND
"""2024-01-15T10:00:00Z"""


def sent(
    at: float, verdict: str = "admitted", message_class: MessageClass = MessageClass.CHATTER
) -> MessageRow:
    return MessageRow(
        row_id="r", event_time=from_micros(TEN + round(at * SECOND)), desk="main", position=1, message_id="m",
        sender="ann", recipient=None, type=MessageType.INSIGHT, message_class=message_class, symbol=None,
        correlation_id=None, verdict=verdict, reason="", retry_after_seconds=None, late=False, activity_score=1.5,
        payload="{}",
    )  # fmt: skip


def heard(at: float, delivered: bool, reason: str) -> DeliveryRow:
    return DeliveryRow(
        row_id="r", event_time=from_micros(TEN + round(at * SECOND)), desk="main", position=1, message_id="m",
        sender="bob", recipient="ann", type=MessageType.INSIGHT, message_class=MessageClass.CHATTER,
        delivered=delivered, reason=reason, relevance=0.5, threshold=0.65,
    )  # fmt: skip


def tell(
    windows: CommunicationWindows, row: MessageRow | DeliveryRow, **wall: object
) -> list[CommunicationMetric]:
    micros = round(row.event_time.timestamp() * SECOND)
    return values(windows.apply(LogEntry("windows/main", 1, False, micros, row, **wall)))


def values(outputs: list[Output]) -> list[CommunicationMetric]:
    return [output.value for output in outputs]


def minutes(metrics: list[CommunicationMetric]) -> list[tuple[int, int]]:
    return [
        (round((m.window_start.timestamp() - TEN / SECOND) / 60), m.sent)
        for m in metrics
        if m.window_seconds == 60
    ]


def test_the_worked_timeline_of_the_docstring() -> None:
    windows = CommunicationWindows("main")
    written = [minutes(tell(windows, sent(at))) for at in (10, 50, 80, 125)]
    assert written == [[], [], [], [(0, 2)]]
    assert tell(windows, sent(59)) == []
    assert minutes(values(windows.flush())) == [(0, 1), (1, 1), (2, 1)]


def test_a_late_row_closes_nothing_and_its_window_is_a_remainder_by_the_latest_time_seen() -> None:
    windows = CommunicationWindows("main")
    written = [minutes(tell(windows, sent(at))) for at in (10, 125, 59, 190, 58, 250)]
    assert written == [[], [(0, 1)], [], [], [], [(2, 1)]]
    assert minutes(values(windows.flush())) == [(0, 2), (3, 1), (4, 1)]


def test_remainders_are_written_when_a_hundred_rows_have_come() -> None:
    windows = CommunicationWindows("main")
    for at in (10, 125):
        tell(windows, sent(at))
    late = [tell(windows, sent(at % 60)) for at in range(REMAINDER_ROWS)]
    assert late[:-1] == [[]] * (REMAINDER_ROWS - 1)
    assert [(m.window_seconds, m.window_start, m.sent) for m in late[-1]] == [
        *((10, from_micros(TEN + start * SECOND), 20 if start < 40 else 10) for start in range(0, 60, 10)),
        (60, from_micros(TEN), REMAINDER_ROWS),
    ]


def test_rows_in_time_count_towards_the_hundred() -> None:
    windows = CommunicationWindows("main")
    tell(windows, sent(125))
    tell(windows, sent(0))
    written = [minutes(tell(windows, sent(126))) for _ in range(REMAINDER_ROWS - 1)]
    assert written == [[]] * (REMAINDER_ROWS - 2) + [[(0, 1)]]


def test_rows_that_are_dated_ever_further_back_are_all_written_and_few_held() -> None:
    windows = CommunicationWindows("main")
    rows = 1_000
    written: list[CommunicationMetric] = []
    most_held = 0
    for number in range(rows):
        written += tell(windows, sent(-60.0 * number))
        if number % 10 == 0:
            most_held = max(most_held, len(windows.dump()))
    # Nine hundreds after the first row; the minute of the second is still open.
    assert len(minutes(written)) == 899
    written += values(windows.flush())
    assert sorted(minutes(written)) == [(-number, 1) for number in reversed(range(rows))]
    assert most_held < 15_000


def test_windows_of_ten_seconds_are_written_beside_those_of_a_minute() -> None:
    windows = CommunicationWindows("main")
    for at in (1, 9, 11):
        tell(windows, sent(at))
    metrics = values(windows.flush())
    assert [(m.window_seconds, m.sent) for m in metrics] == [(10, 2), (10, 1), (60, 3)]
    assert len({m.row_id for m in metrics}) == 3
    assert values(windows.flush()) == []


def test_every_verdict_and_reason_is_counted() -> None:
    windows = CommunicationWindows("main")
    rows = [
        sent(0), sent(0, "throttled", MessageClass.SIGNAL), sent(0, "throttled"), sent(0, "refused"), sent(0, "duplicate"),
        heard(0, True, "relevant"), heard(0, True, "floor"), heard(0, False, "not_relevant"),
        heard(0, False, "sender_too_active"), heard(0, True, "critical"),
    ]  # fmt: skip
    for row in rows:
        tell(windows, row)
    metric = values(windows.flush())[-1]
    assert (metric.sent, metric.admitted, metric.refused) == (5, 1, 2)
    assert (metric.throttled, metric.throttled_signals, metric.throttled_chatter) == (2, 1, 1)
    assert (metric.delivered, metric.suppressed) == (3, 2)
    assert (metric.suppressed_not_relevant, metric.suppressed_sender_too_active) == (1, 1)
    assert (metric.activity_score, metric.threshold) == (1.5, 0.65)


def test_latency_is_from_sending_to_the_verdict_where_both_are_known() -> None:
    windows = CommunicationWindows("main")
    for milliseconds in range(1, 101):
        wall = {
            "sent_at": "2026-01-01T00:00:00+00:00",
            "publish_micros": 1_767_225_600 * SECOND + milliseconds * 1_000,
        }
        tell(windows, sent(0), **wall)
    metric = values(windows.flush())[-1]
    assert abs(metric.latency_p50_ms - 50) <= 50 * ERROR
    assert abs(metric.latency_p99_ms - 99) <= 99 * ERROR


def test_a_bounded_run_has_no_latency() -> None:
    windows = CommunicationWindows("main")
    tell(windows, sent(0))
    tell(windows, sent(0), sent_at="nonsense", publish_micros=5)
    metric = values(windows.flush())[-1]
    assert (metric.latency_p50_ms, metric.latency_p99_ms) == (None, None)


def test_it_goes_on_from_its_state() -> None:
    first, second = CommunicationWindows("main"), CommunicationWindows("main")
    for at in (1, 30, 170, 5):
        tell(first, sent(at), sent_at="2026-01-01T00:00:00+00:00", publish_micros=1_767_225_601 * SECOND)
    second.restore(first.dump())
    assert second.dump() == first.dump()
    for at in (200, 6):
        assert tell(second, heard(at, True, "relevant")) == tell(first, heard(at, True, "relevant"))
    assert second.flush() == first.flush()


def test_it_goes_on_from_a_state_without_remainders() -> None:
    windows = CommunicationWindows("main")
    counts = [2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1.5, None, []]
    windows.restore(orjson.dumps([7, [[60, TEN, [["ann", counts]]]]]))
    [metric] = tell(windows, sent(125))
    assert (metric.row_id.rsplit("-", 1)[1], metric.sent) == ("w8", 2)


def test_quantiles_stay_within_their_error_and_their_memory() -> None:
    quantiles = Quantiles()
    assert quantiles.at(0.5) is None
    for value in range(1, 100_001):
        quantiles.add(value / 10)
    for share in (0.01, 0.5, 0.99, 1.0):
        assert abs(quantiles.at(share) - share * 10_000) <= share * 10_000 * ERROR * 1.01
    assert len(quantiles.state()) < 600
