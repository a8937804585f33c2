from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from google.api_core.exceptions import NotFound

from contracts.market_data import MarketBatch
from execution.market_follower import MarketFollower
from tests.execution.trading_floor import quote


@dataclass
class Received:
    data: bytes
    attributes: dict[str, str]
    acknowledged: int = 0

    def ack(self) -> None:
        self.acknowledged += 1


@dataclass
class ScriptedSubscriber:
    """Pub/Sub's subscriber at its boundary: the first pull fails, the second stays open."""

    pulls: list["Future[None]"] = field(default_factory=list)
    open_again: Event = field(default_factory=Event)

    def subscribe(self, subscription: str, callback: Callable[[Any], None]) -> "Future[None]":
        pull: Future[None] = Future()
        self.pulls.append(pull)
        if len(self.pulls) == 1:
            pull.set_exception(NotFound("no such subscription"))
        else:
            batch = quote(1.0, 2.0)
            callback(Received(batch.encode(), batch.attributes()))
            self.open_again.set()
        return pull


def test_a_batch_is_taken_and_acknowledged() -> None:
    taken: list[MarketBatch] = []
    follower = MarketFollower(ScriptedSubscriber(), "market", taken.append)
    batch = quote(1.0, 2.0)
    message = Received(batch.encode(), batch.attributes())
    follower.receive(message)
    assert [(one.symbol, one.event_time) for one in taken] == [("BTCUSDT", batch.event_time)]
    assert message.acknowledged == 1
    assert dict(follower.counts) == {"market_batches": 1}


def test_what_cannot_be_read_is_counted_and_let_go() -> None:
    taken: list[MarketBatch] = []
    follower = MarketFollower(ScriptedSubscriber(), "market", taken.append)
    messages = [Received(b"junk", quote(1.0, 2.0).attributes()), Received(b"", {})]
    for message in messages:
        follower.receive(message)
    assert (taken, [message.acknowledged for message in messages]) == ([], [1, 1])
    assert dict(follower.counts) == {"market_refused": 2}


def test_a_pull_that_fails_is_begun_anew(monkeypatch: Any) -> None:
    monkeypatch.setattr("execution.market_follower._PAUSE_SECONDS", 0.0)
    subscriber = ScriptedSubscriber()
    taken: list[MarketBatch] = []
    follower = MarketFollower(subscriber, "market", taken.append)
    follower.start()
    assert subscriber.open_again.wait(10)
    subscriber.pulls[-1].set_result(None)
    follower.stop()
    assert len(taken) >= 1
