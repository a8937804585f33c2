from dataclasses import replace

from infra.local.closing import SILENT_SECONDS, STUCK_SECONDS, Drain
from infra.local.evidence import Evidence, SubscriptionCounts
from pipelines.export import GATHER, IDLE

WAITING = Evidence(subscriptions={"rows-export": SubscriptionCounts(received=2, backlog=1)})


def at_work(handled: int) -> Evidence:
    return Evidence(
        subscriptions={"rows-export": SubscriptionCounts(received=2, acked=2)},
        flows={"export": {"out": handled}},
    )


def test_a_desk_is_at_rest_when_nothing_waits_and_no_message_moved_for_a_while() -> None:
    drain = Drain()
    assert not drain.is_over(WAITING, 0.0)
    assert not drain.is_over(WAITING, 20.0), "quiet, but something waits"
    assert not drain.is_over(at_work(1), 21.0)
    assert not drain.is_over(at_work(2), 22.0), "still moving"
    assert not drain.is_over(at_work(2), 29.9)
    assert drain.is_over(at_work(2), 30.0)


def test_windows_that_export_writes_late_are_waited_for() -> None:
    drain = Drain()
    written = replace(at_work(1), counts={"rows:communication_metrics": 3})
    assert not drain.is_over(at_work(1), 0.0)
    assert not drain.is_over(written, 7.0)
    assert not drain.is_over(written, 9.4)
    assert drain.is_over(written, 9.5)


def test_silence_is_longer_than_export_keeps_anything_back() -> None:
    assert IDLE.seconds + GATHER.seconds < SILENT_SECONDS


def test_a_language_model_may_think_for_longer() -> None:
    drain = Drain(STUCK_SECONDS + 50)
    assert not drain.is_stuck(WAITING, 0.0)
    assert not drain.is_stuck(WAITING, STUCK_SECONDS + 49)
    assert drain.is_stuck(WAITING, STUCK_SECONDS + 50)


def test_a_desk_is_stuck_when_something_waits_and_nothing_has_moved_for_long() -> None:
    drain = Drain()
    assert not drain.is_stuck(WAITING, 0.0)
    assert not drain.is_stuck(WAITING, STUCK_SECONDS - 1)
    assert not drain.is_stuck(at_work(1), STUCK_SECONDS), "it moves"
    assert not drain.is_stuck(at_work(1), 2 * STUCK_SECONDS - 1)
    assert drain.is_stuck(at_work(1), 2 * STUCK_SECONDS)
