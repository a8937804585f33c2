import pytest
import redis

from contracts.payloads import OrderStatus
from execution.service.flow_counts import FlowCounts, FlowReport


class Away:
    def hset(self, *_: object, **__: object) -> None:
        raise redis.ConnectionError("away")


class Present:
    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, str]] = {}

    def hset(self, name: str, mapping: dict[str, str]) -> None:
        self.hashes.setdefault(name, {}).update(mapping)


@pytest.fixture
def counts() -> FlowCounts:
    counts = FlowCounts()
    for status in (OrderStatus.FILLED, OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.SUBMITTED):
        counts.placed(f"order-{status}", status)
    return counts


def test_in_is_out_and_refused_and_open(counts: FlowCounts) -> None:
    assert counts.snapshot() == {"in": 4, "out": 2, "refused": 1, "repeated": 0, "failed": 0, "open": 1}


def test_an_order_that_was_open_counts_by_how_it_ended() -> None:
    stands = dict.fromkeys(("a", "b", "c"), OrderStatus.SUBMITTED)
    counts = FlowCounts(stands.__getitem__)
    for name in stands:
        counts.placed(name, OrderStatus.SUBMITTED)
    assert counts.snapshot()["open"] == 3
    stands |= {"a": OrderStatus.FILLED, "b": OrderStatus.REJECTED}
    assert counts.snapshot() == {"in": 3, "out": 1, "refused": 1, "repeated": 0, "failed": 0, "open": 1}


def test_counts_are_written_under_the_stage(counts: FlowCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    present = Present()
    monkeypatch.setattr("redis.Redis.from_url", lambda *_, **__: present)
    FlowReport("redis://x", "main", counts.snapshot).write()
    assert present.hashes["sapphire:main:flow:execution"]["out"] == "2"


def test_a_redis_that_is_away_stops_nothing(counts: FlowCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.Redis.from_url", lambda *_, **__: Away())
    FlowReport("redis://x", "main", counts.snapshot).write()
