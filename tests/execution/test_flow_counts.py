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
        counts.placed(status)
    return counts


def test_in_is_out_and_refused_and_open(counts: FlowCounts) -> None:
    assert counts.snapshot() == {"in": 4, "out": 2, "refused": 1, "open": 1, "repeated": 0, "failed": 0}


def test_counts_are_written_under_the_stage(counts: FlowCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    present = Present()
    monkeypatch.setattr("redis.Redis.from_url", lambda *_, **__: present)
    FlowReport("redis://x", "main", counts.snapshot).write()
    assert present.hashes["sapphire:main:flow:execution"]["out"] == "2"


def test_a_redis_that_is_away_stops_nothing(counts: FlowCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redis.Redis.from_url", lambda *_, **__: Away())
    FlowReport("redis://x", "main", counts.snapshot).write()
