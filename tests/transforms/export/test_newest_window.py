"""The newest window: the worked timeline, every column of two parts, and that no count is left out."""

from typing import Any

from contracts.rows.communication import CommunicationMetric
from tests.transforms.export.rows import T0
from transforms.export.newest_window import ADD_UP, newest


def part(minute: int, sent: int = 1, **columns: Any) -> CommunicationMetric:
    row = {
        "row_id": f"w-{minute}-{sent}",
        "event_time": T0,
        "desk": "main",
        "agent": "qwen-7b",
        "window_start": T0.replace(minute=minute),
        "window_seconds": 60,
        "sent": sent,
        "admitted": 0,
        "throttled": 0,
        "delivered": 0,
        "suppressed": 0,
        "activity_score": 0.0,
    }
    return CommunicationMetric(**(row | columns))


def test_the_worked_timeline_of_the_docstring() -> None:
    shown, told = None, []
    for row in (part(0, 2), part(1, 1), part(0, 1), part(1, 3)):
        shown = newest(shown, row)
        told.append((shown.window_start.minute, shown.sent))
    assert told == [(0, 2), (1, 1), (1, 1), (1, 4)]


def test_a_part_that_is_told_again_counts_once() -> None:
    both = newest(part(0, 2), part(0, 1))
    assert newest(both, part(0, 1)) == both


def test_every_count_adds_up() -> None:
    first = part(0, row_id="w-1", **{name: number for number, name in enumerate(ADD_UP, 1)})
    second = part(0, row_id="w-2", **dict.fromkeys(ADD_UP, 100))
    both = newest(first, second)
    assert {name: getattr(both, name) for name in ADD_UP} == {
        name: number + 100 for number, name in enumerate(ADD_UP, 1)
    }
    counts = [name for name, field in CommunicationMetric.model_fields.items() if field.annotation is int]
    assert sorted(counts) == sorted([*ADD_UP, "window_seconds"])


def test_score_and_threshold_are_the_last_that_a_part_knows() -> None:
    known = part(0, 2, activity_score=1.5, threshold=0.4)
    both = newest(known, part(0, 0))
    assert (both.activity_score, both.threshold) == (1.5, 0.4)
    both = newest(known, part(0, 1, activity_score=2.5, threshold=0.6))
    assert (both.activity_score, both.threshold) == (2.5, 0.6)


def test_quantiles_are_those_of_the_part_with_more_messages() -> None:
    larger, smaller = (
        part(0, sent, latency_p50_ms=ms, latency_p99_ms=2 * ms) for sent, ms in ((5, 10.0), (1, 99.0))
    )
    for first, second in ((larger, smaller), (smaller, larger)):
        both = newest(first, second)
        assert (both.latency_p50_ms, both.latency_p99_ms) == (10.0, 20.0)


def test_what_is_shown_is_read_back_as_it_was() -> None:
    both = newest(part(0, 2, threshold=0.4), part(0, 1))
    assert CommunicationMetric.from_json(both.to_json()) == both
