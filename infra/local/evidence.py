"""What can be known about a running desk from outside: Pub/Sub's counts, and what the live view was told."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import orjson
import redis

from contracts.live_view import LiveView
from infra.local.ports import HOST

_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SubscriptionCounts:
    """One subscription: what came in, what was acknowledged, what was given up, what it still holds."""

    received: int = 0
    acked: int = 0
    given_up: int = 0
    backlog: int = 0

    @classmethod
    def of(cls, statistics: Mapping[str, Any]) -> "SubscriptionCounts":
        """From the emulator's statistics (its backlog counts what is outstanding too)."""
        return cls(
            received=statistics["received"] + statistics["restored"],
            acked=statistics["acked"],
            given_up=statistics["dead_lettered"] + statistics["dropped"] + statistics["discarded"],
            backlog=statistics["backlog"],
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """The desk at one look.

    `published` by topic and `subscriptions` by name are Pub/Sub's (both None when an emulator of somebody
    else's is used, which does not tell). `flows` are the processes' own counts by stage, `counts` export's,
    `tables` BigQuery's COUNT(*).
    """

    published: Mapping[str, int] | None = None
    subscriptions: Mapping[str, SubscriptionCounts] | None = None
    flows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    equity: Decimal | None = None
    latency_ms: Mapping[str, list[float]] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)

    def flow(self, stage: str, name: str) -> int:
        """A stage's own count; 0 when it has not told one."""
        return self.flows.get(stage, {}).get(name, 0)


class Witness:
    """Looks at one run: the live view in Redis, and the Pub/Sub emulator's statistics if they can be had."""

    def __init__(self, redis_url: str, desk: str, statistics_port: int | None) -> None:
        self._redis = redis.Redis.from_url(redis_url, decode_responses=True, socket_timeout=_TIMEOUT_SECONDS)
        self._view = LiveView(desk)
        self._statistics_port = statistics_port

    def forget(self) -> None:
        """Drop the desk's live view of an earlier run, from a Redis that outlived it."""
        if keys := list(self._redis.scan_iter(f"sapphire:{self._view.desk}:*")):
            self._redis.delete(*keys)

    def look(self) -> Evidence:
        """What can be known now, tables apart; raises `redis.RedisError` or OSError when a source is gone."""
        published, subscriptions = self._pubsub()
        portfolio = cast("str | None", self._redis.get(self._view.portfolio))
        return Evidence(
            published=published,
            subscriptions=subscriptions,
            flows={stage: self._numbers(key) for stage, key in self._named(self._view.flow("")).items()},
            counts=self._numbers(self._view.counts),
            equity=Decimal(str(orjson.loads(portfolio)["equity"])) if portfolio else None,
            latency_ms={
                name: self._samples(key) for name, key in self._named(self._view.latency("")).items()
            },
        )

    def _named(self, prefix: str) -> dict[str, str]:
        """The keys that begin with `prefix`, by what follows it."""
        return {
            key.removeprefix(prefix): key for key in sorted(self._redis.scan_iter(f"{prefix}*", count=1_000))
        }

    def _numbers(self, key: str) -> dict[str, int]:
        found = cast("dict[str, str]", self._redis.hgetall(key))
        return {name: int(float(value)) for name, value in sorted(found.items()) if _is_number(value)}

    def _samples(self, key: str) -> list[float]:
        return [float(sample) for sample in cast("list[str]", self._redis.lrange(key, 0, -1))]

    def _pubsub(self) -> tuple[dict[str, int] | None, dict[str, SubscriptionCounts] | None]:
        if self._statistics_port is None:
            return None, None
        connection = http.client.HTTPConnection(HOST, self._statistics_port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/stats")
            statistics = orjson.loads(connection.getresponse().read())
        finally:
            connection.close()
        published = {_short(name): topic["published"] for name, topic in statistics["topics"].items()}
        subscriptions = {
            _short(name): SubscriptionCounts.of(found) for name, found in statistics["subscriptions"].items()
        }
        return published, subscriptions


def _short(path: str) -> str:
    return path.rsplit("/", 1)[1]


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
