from infra.local.closing import Drain
from infra.local.evidence import Evidence, SubscriptionCounts

WAITING = Evidence(subscriptions={"rows-export": SubscriptionCounts(received=2, backlog=1)})


def at_work(handled: int) -> Evidence:
    return Evidence(
        subscriptions={"rows-export": SubscriptionCounts(received=2, acked=2)},
        flows={"export": {"out": handled}},
    )


def test_a_desk_is_at_rest_when_nothing_waits_and_nothing_moved_for_a_while() -> None:
    drain = Drain(quiet_seconds=2.0)
    assert not drain.is_over(WAITING, 0.0)
    assert not drain.is_over(WAITING, 5.0), "quiet, but something waits"
    assert not drain.is_over(at_work(1), 6.0)
    assert not drain.is_over(at_work(2), 7.0), "still moving"
    assert not drain.is_over(at_work(2), 8.9)
    assert drain.is_over(at_work(2), 9.0)
