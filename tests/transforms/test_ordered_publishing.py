"""Ordered publishing: what fails is repeated whole and in order, and nothing of a lane overtakes it."""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from google.api_core.exceptions import NotFound
from google.cloud.pubsub_v1.publisher.exceptions import PublishToPausedOrderingKeyException

from infra.local.pubsub.server import Options
from tests.infra.local.pubsub.conftest import Clients, Running
from transforms.ordered_publishing import BundleSending, OrderedPublisher
from transforms.wire import Wire

TOPIC = "projects/p/topics/inbox"
AWAY = NotFound("the topic does not exist")


class ScriptedClient:
    """Pub/Sub's client at its boundary: answers when the test says so, and pauses a key whose message failed."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.asked: list[bytes] = []
        self._waiting: list[tuple[str, bytes, Future[str]]] = []
        self._paused: set[str] = set()

    def publish(self, topic: str, data: bytes, ordering_key: str = "", **attributes: Any) -> "Future[str]":
        self.asked.append(data)
        future: Future[str] = Future()
        if ordering_key in self._paused:
            future.set_exception(PublishToPausedOrderingKeyException(ordering_key))
        else:
            self._waiting.append((ordering_key, data, future))
        return future

    def take(self) -> None:
        """Pub/Sub takes the oldest message."""
        _, data, future = self._waiting.pop(0)
        self.taken.append(data)
        future.set_result("1")

    def refuse(self) -> None:
        """Pub/Sub refuses the oldest message; what is queued behind it in its lane is given up."""
        key, _, future = self._waiting.pop(0)
        behind = [waiting for waiting in self._waiting if key and waiting[0] == key]
        self._waiting = [waiting for waiting in self._waiting if waiting not in behind]
        if key:
            self._paused.add(key)
        future.set_exception(AWAY)
        for _, _, given_up in behind:
            given_up.set_exception(RuntimeError("an earlier message of the key failed"))

    def take_all(self) -> None:
        while self._waiting:
            self.take()

    def resume_publish(self, topic: str, ordering_key: str) -> None:
        assert topic == TOPIC
        if ordering_key not in self._paused:
            raise RuntimeError("Ordering key is not paused.")
        self._paused.remove(ordering_key)


def say(sending: BundleSending, *messages: str, key: str = "main/bob") -> None:
    for message in messages:
        sending.publish(TOPIC, Wire(message.encode(), {}, key))


@pytest.fixture
def client() -> ScriptedClient:
    return ScriptedClient()


@pytest.fixture
def publisher(client: ScriptedClient) -> OrderedPublisher:
    return OrderedPublisher(client)


def test_the_worked_timeline_of_the_docstring(client: ScriptedClient, publisher: OrderedPublisher) -> None:
    first = BundleSending(publisher)
    say(first, "a1", "a2")
    client.take()
    client.refuse()
    say(first, "a3")
    with pytest.raises(NotFound, match="the topic does not exist"):
        first.finish()
    assert client.taken == [b"a1"]
    again = BundleSending(publisher)
    say(again, "a1", "a2", "a3")
    client.take_all()
    again.finish()
    assert client.taken == [b"a1", b"a1", b"a2", b"a3"]


def test_what_is_queued_behind_a_failure_fails_with_it(
    client: ScriptedClient, publisher: OrderedPublisher
) -> None:
    sending = BundleSending(publisher)
    say(sending, "a1", "a2", "a3")
    client.refuse()
    with pytest.raises(NotFound):
        sending.finish()
    assert client.taken == []


def test_other_lanes_are_published_beside_the_one_that_failed(
    client: ScriptedClient, publisher: OrderedPublisher
) -> None:
    sending = BundleSending(publisher)
    say(sending, "a1")
    say(sending, "c1", key="main/cid")
    say(sending, "row", key="")
    client.refuse()
    client.take_all()
    with pytest.raises(NotFound):
        sending.finish()
    assert client.taken == [b"c1", b"row"]


def test_a_message_without_a_key_fails_alone_and_has_nothing_to_resume(
    client: ScriptedClient, publisher: OrderedPublisher
) -> None:
    sending = BundleSending(publisher)
    say(sending, "r1", "r2", key="")
    client.refuse()
    client.take()
    with pytest.raises(NotFound):
        sending.finish()
    assert client.taken == [b"r2"]


def test_a_bundle_says_nothing_more_by_a_lane_that_another_resumed(
    client: ScriptedClient, publisher: OrderedPublisher
) -> None:
    """The pause took b1 away from the second bundle; b2 alone would overtake it."""
    first, second = BundleSending(publisher), BundleSending(publisher)
    say(first, "a1")
    say(second, "b1")
    client.refuse()
    with pytest.raises(NotFound):
        first.finish()
    say(second, "b2")
    with pytest.raises(RuntimeError, match="an earlier message"):
        second.finish()
    assert client.asked == [b"a1", b"b1"]
    again = BundleSending(publisher)
    say(again, "b1", "b2")
    client.take_all()
    again.finish()
    assert client.taken == [b"b1", b"b2"]


def test_a_bundle_whose_messages_were_all_taken_fails_when_one_was_held_back(
    client: ScriptedClient, publisher: OrderedPublisher
) -> None:
    first, second = BundleSending(publisher), BundleSending(publisher)
    say(second, "b1")
    client.take()
    say(first, "a1")
    client.refuse()
    with pytest.raises(NotFound):
        first.finish()
    say(second, "b2")
    with pytest.raises(PublishToPausedOrderingKeyException):
        second.finish()
    assert client.taken == [b"b1"]


def test_what_is_not_answered_in_time_fails_the_bundle_and_the_failed_lane_is_open_all_the_same(
    client: ScriptedClient, publisher: OrderedPublisher
) -> None:
    sending = BundleSending(publisher)
    say(sending, "a1")
    client.refuse()
    slow = BundleSending(publisher)
    say(slow, "c1", key="main/cid")
    say(slow, "a2")
    with pytest.raises(TimeoutError):
        slow.finish(seconds=0.0)
    say(again := BundleSending(publisher), "a1")
    client.take_all()
    again.finish()
    assert client.taken == [b"c1", b"a1"]


@pytest.fixture
def pubsub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    """The emulator, and Google's client with every message a batch of its own."""
    running = Running()
    clients = Clients(running.start(Options(port=0, stats_port=0)).port, monkeypatch)
    yield clients
    clients.close()
    running.close()


def test_googles_client_goes_on_once_the_topic_is_there(pubsub: Clients) -> None:
    publisher = OrderedPublisher(pubsub.publisher)
    told = [b"1", b"2", b"3", b"4", b"5"]

    def bundle() -> None:
        sending = BundleSending(publisher)
        for data in told:
            sending.publish(pubsub.topic, Wire(data, {}, "main/bob"))
        sending.finish()

    for _ in range(2):
        with pytest.raises(NotFound):
            bundle()
    pubsub.create(enable_message_ordering=True)
    bundle()
    assert [received.message.data for received in pubsub.pull(len(told))] == told
