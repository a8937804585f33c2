import asyncio
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest
from google.api_core.exceptions import NotFound, ServiceUnavailable
from google.cloud.pubsub_v1.publisher.exceptions import (
    FlowControlLimitError,
    PublishToPausedOrderingKeyException,
)

from agents.gateway.publisher import BufferFull, PublishFailed, PubSubPublisher
from tests.agents.gateway.desk import NOON, HandClock, insight


class Client:
    """Google's publisher client as far as the gateway uses it; publishing ends as the test says."""

    def __init__(self, outcome: Exception | None = None, *, at_once: bool = False) -> None:
        self.outcome, self.at_once = outcome, at_once
        self.published: list[tuple[str, bytes, dict[str, Any]]] = []
        self.resumed: list[tuple[str, str]] = []

    def publish(self, topic: str, data: bytes, **more: Any) -> "Future[str]":
        if self.outcome is not None and self.at_once:
            raise self.outcome
        self.published.append((topic, data, more))
        future: Future[str] = Future()
        if self.outcome is None:
            future.set_result("1")
        else:
            future.set_exception(self.outcome)
        return future

    def resume_publish(self, topic: str, key: str) -> None:
        self.resumed.append((topic, key))

    def get_topic(self, request: dict[str, str], timeout: float) -> None:
        if self.outcome is not None:
            raise self.outcome


def publish(client: Client) -> None:
    wall = HandClock(NOON + timedelta(days=9))
    asyncio.run(PubSubPublisher("sapphire-test", client, wall).publish(insight("m-1")))  # type: ignore[arg-type]


def test_a_message_is_published_in_its_senders_order() -> None:
    client = Client()
    publish(client)
    [(topic, data, attributes)] = client.published
    assert topic == "projects/sapphire-test/topics/messages"
    assert data == insight("m-1").to_json()
    assert attributes == {
        "ordering_key": "main/deepseek-v3",
        "desk": "main",
        "type": "INSIGHT",
        "sender": "deepseek-v3",
        "recipient": "freqtrade-hft",
        "event_time": "2024-01-15T12:00:00+00:00",
        "sent_at": "2024-01-24T12:00:00+00:00",
    }


def test_a_full_buffer_is_back_pressure() -> None:
    with pytest.raises(BufferFull) as caught:
        publish(Client(FlowControlLimitError("full"), at_once=True))
    assert caught.value.retry_after == 1.0


def test_a_failure_does_not_hold_the_sender_back_for_ever() -> None:
    for client in (
        Client(ServiceUnavailable("down")),
        Client(PublishToPausedOrderingKeyException("main/deepseek-v3"), at_once=True),
        Client(RuntimeError("a batch behind one that failed")),
    ):
        with pytest.raises(PublishFailed):
            publish(client)
        assert client.resumed == [("projects/sapphire-test/topics/messages", "main/deepseek-v3")]


def test_two_that_fail_at_once_are_both_told_so() -> None:
    class Resumed(Client):
        def resume_publish(self, topic: str, key: str) -> None:
            raise RuntimeError("the key is not paused: the other call has resumed it")

    with pytest.raises(PublishFailed, match="Pub/Sub did not take it: down"):
        publish(Resumed(ServiceUnavailable("down")))


def test_a_missing_topic_is_named() -> None:
    def missing(client: Client) -> str | None:
        return asyncio.run(PubSubPublisher("sapphire-test", client).missing())  # type: ignore[arg-type]

    assert missing(Client()) is None
    assert missing(Client(NotFound("no"))) == (
        "the topic projects/sapphire-test/topics/messages does not exist: create the desk's topics first"
    )
    assert missing(Client(ServiceUnavailable("down"))) == "Pub/Sub cannot be reached: down"
