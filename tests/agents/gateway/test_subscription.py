import threading
from collections.abc import Iterator
from typing import Any

from google.api_core.exceptions import NotFound, ServiceUnavailable
from google.pubsub_v1.types import PubsubMessage, ReceivedMessage, StreamingPullRequest, StreamingPullResponse

from agents.gateway.subscription import Received, SubscriptionReader

PATH = "projects/sapphire-test/subscriptions/inbox-a"


def response(*names: str) -> StreamingPullResponse:
    return StreamingPullResponse(
        received_messages=[
            ReceivedMessage(ack_id=f"r-{name}", message=PubsubMessage(data=name.encode())) for name in names
        ]
    )


class Stream:
    """A streaming pull that gives its responses and then waits to be cancelled."""

    def __init__(self, *responses: StreamingPullResponse) -> None:
        self._responses = responses
        self._cancelled = threading.Event()

    def __iter__(self) -> Iterator[StreamingPullResponse]:
        yield from self._responses
        self._cancelled.wait(10)

    def cancel(self) -> None:
        self._cancelled.set()


class Client:
    """Google's subscriber client as far as the reader uses it: one outcome for each stream that is opened."""

    def __init__(self, *outcomes: Stream | Exception) -> None:
        self._outcomes = list(outcomes)
        self.opened: list[StreamingPullRequest] = []
        self.answers: list[dict[str, Any]] = []

    def streaming_pull(self, requests: Iterator[StreamingPullRequest], timeout: None) -> Stream:
        self.opened.append(next(requests))
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def acknowledge(self, request: dict[str, Any], timeout: float) -> None:
        self.answers.append(request)

    modify_ack_deadline = acknowledge


class Delivered:
    """What was delivered, and a wait for so many."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self._more = threading.Condition()

    def __call__(self, received: Received) -> None:
        with self._more:
            self.data.append(received.data)
            self._more.notify()

    def wait_for(self, count: int) -> list[bytes]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.data) >= count, timeout=10)
            return self.data


def test_what_comes_is_delivered_in_order_and_answered() -> None:
    client, delivered = Client(Stream(response("a", "b"), response("c"))), Delivered()
    reader = SubscriptionReader(client, PATH, delivered, lambda: ["r-b", "r-c"])  # type: ignore[arg-type]
    reader.start()
    assert delivered.wait_for(3) == [b"a", b"b", b"c"]
    assert reader.problem is None
    reader.acknowledge(["r-a"])
    reader.keep_alive()
    reader.stop()
    assert client.answers == [
        {"subscription": PATH, "ack_ids": ["r-a"]},
        {"subscription": PATH, "ack_ids": ["r-b", "r-c"], "ack_deadline_seconds": 60},
        {"subscription": PATH, "ack_ids": ["r-b", "r-c"], "ack_deadline_seconds": 0},
    ]
    assert (client.opened[0].subscription, client.opened[0].stream_ack_deadline_seconds) == (PATH, 60)


def test_it_comes_back_after_an_interruption() -> None:
    client, delivered = Client(ServiceUnavailable("gone"), NotFound("no"), Stream(response("a"))), Delivered()
    reader = SubscriptionReader(client, PATH, delivered, list)  # type: ignore[arg-type]
    assert reader.problem == f"{PATH} has not been opened yet"
    reader.start()
    assert delivered.wait_for(1) == [b"a"]
    assert len(client.opened) == 3
    reader.stop()
