from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest
from google.api_core.exceptions import ServiceUnavailable

from contracts.message import Message
from execution.outbox import MARKS, Outbox
from tests.execution.trading_floor import Floor, request

TOPIC = "projects/test/topics/trading"


class ScriptedPublisher:
    """Pub/Sub's publisher at its boundary: takes messages, fails those whose turn is in `failing`, pauses their key."""

    def __init__(self, failing: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.failing = failing
        self.turns = 0
        self.paused: set[str] = set()
        self.taken: list[tuple[str, bytes, dict[str, str]]] = []
        self.wanted, self.enough = 0, Event()

    def publish(self, topic: str, data: bytes, ordering_key: str = "", **attributes: str) -> "Future[str]":
        assert topic == TOPIC
        self.turns += 1
        future: Future[str] = Future()
        if self.turns in self.failing or ordering_key in self.paused:
            self.paused.add(ordering_key)
            future.set_exception(ServiceUnavailable("away"))
        else:
            self.taken.append((ordering_key, data, attributes))
            future.set_result("1")
            if len(self.taken) >= self.wanted > 0:
                self.enough.set()
        return future

    def resume_publish(self, topic: str, ordering_key: str) -> None:
        if ordering_key not in self.paused:
            raise RuntimeError("Ordering key is not paused.")
        self.paused.remove(ordering_key)

    @property
    def steps(self) -> list[tuple[str, int]]:
        payloads = [Message.from_json(data).payload for _, data, _ in self.taken]
        return [(payload.client_order_id, payload.sequence) for payload in payloads]  # type: ignore[attr-defined]


def all_steps(*decisions: str) -> list[tuple[str, int]]:
    return [(request(decision).client_order_id, sequence) for decision in decisions for sequence in (1, 2)]


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    return Floor(tmp_path).open()


def test_messages_go_out_in_order_with_their_attributes(floor: Floor) -> None:
    floor.placement.place(request("a"))
    floor.placement.place(request("b"))
    publisher = ScriptedPublisher()
    outbox = Outbox(floor.ledger, publisher, TOPIC)
    assert outbox.publish_once() == 4
    assert publisher.steps == all_steps("a", "b")
    key, _, attributes = publisher.taken[0]
    sent_at = datetime.fromisoformat(attributes.pop("sent_at"))
    assert sent_at.tzinfo is not None
    assert key == "main"
    assert attributes == {
        "desk": "main", "type": "ORDER_EXECUTION", "sender": "execution", "event_time": "2024-01-15T12:00:00+00:00",
    }  # fmt: skip
    assert outbox.publish_once() == 0


def test_what_pubsub_does_not_take_is_published_later_and_in_order(floor: Floor) -> None:
    floor.placement.place(request("a"))
    floor.placement.place(request("b"))
    publisher = ScriptedPublisher(failing={2})
    outbox = Outbox(floor.ledger, publisher, TOPIC)
    with pytest.raises(ServiceUnavailable):
        outbox.publish_once()
    assert publisher.steps == all_steps("a", "b")[:1]
    assert outbox.publish_once() == 3
    assert publisher.steps == all_steps("a", "b")


class BatchingPublisher(ScriptedPublisher):
    """Gives up what is queued behind a message that failed, as the client does with the batches behind the failed one."""

    def publish(self, topic: str, data: bytes, ordering_key: str = "", **attributes: str) -> "Future[str]":
        if ordering_key not in self.paused:
            return super().publish(topic, data, ordering_key, **attributes)
        given_up: Future[str] = Future()
        given_up.set_exception(RuntimeError("Batch cancelled because prior ordered message has failed."))
        return given_up


def test_what_was_queued_behind_a_failed_message_is_published_later_too(floor: Floor) -> None:
    floor.placement.place(request("a"))
    floor.placement.place(request("b"))
    publisher = BatchingPublisher(failing={1})
    outbox = Outbox(floor.ledger, publisher, TOPIC)
    with pytest.raises(ServiceUnavailable):
        outbox.publish_once()
    assert publisher.steps == []
    assert outbox.publish_once() == 4
    assert publisher.steps == all_steps("a", "b")


def test_a_desk_that_fails_does_not_hold_back_another(floor: Floor) -> None:
    floor.placement.place(request("a"))
    floor.placement.place(request("b", desk="other"))
    publisher = ScriptedPublisher(failing={1})
    outbox = Outbox(floor.ledger, publisher, TOPIC)
    with pytest.raises(ServiceUnavailable):
        outbox.publish_once()
    assert [key for key, _, _ in publisher.taken] == ["other", "other"]


def test_after_a_crash_between_commit_and_publish_exactly_the_missing_ones_go_out(
    floor: Floor, tmp_path: Path
) -> None:
    floor.placement.place(request("told"))
    outbox = Outbox(floor.ledger, ScriptedPublisher(), TOPIC)
    outbox.publish_once()
    outbox.mark()
    floor.placement.place(request("untold"))
    # The crash: the process is gone, nothing was published since. The ledger's file is all that is left.
    floor.ledger.close()
    restarted = Floor(tmp_path)
    publisher = ScriptedPublisher()
    publisher.wanted = 2
    outbox = Outbox(restarted.ledger, publisher, TOPIC)
    outbox.start()
    assert publisher.enough.wait(10)
    outbox.stop()
    assert publisher.steps == all_steps("untold")
    assert restarted.ledger.unpublished(10) == []


def test_a_crash_between_publish_and_mark_tells_again_with_the_same_id(floor: Floor) -> None:
    floor.placement.place(request("a"))
    publisher = ScriptedPublisher()
    Outbox(floor.ledger, publisher, TOPIC).publish_once()
    # The crash: the process is gone before it wrote its marks.
    assert Outbox(floor.ledger, publisher, TOPIC).publish_once() == 2
    ids = [Message.from_json(data).message_id for _, data, _ in publisher.taken]
    assert ids[:2] == ids[2:] and len(set(ids)) == 2


def test_marks_are_written_for_many_rows_at_once(floor: Floor) -> None:
    publisher = ScriptedPublisher()
    outbox = Outbox(floor.ledger, publisher, TOPIC)
    for n in range(MARKS // 2):
        floor.placement.place(request(f"d-{n}"))
        assert outbox.publish_once() == 2
        assert len(floor.ledger.unpublished(MARKS)) == (0 if n == MARKS // 2 - 1 else 2 * n + 2)
    assert len(publisher.taken) == len(set(publisher.steps)) == MARKS


def test_the_thread_publishes_what_is_committed_and_drains_at_the_end(floor: Floor) -> None:
    publisher = ScriptedPublisher(failing={1})
    outbox = Outbox(floor.ledger, publisher, TOPIC)
    assert outbox.trouble() == "the outbox is not running"
    outbox.start()
    assert outbox.trouble() is None
    for decision in ("a", "b", "c"):
        floor.placement.place(request(decision))
        outbox.wake()
    outbox.stop()
    assert publisher.steps == all_steps("a", "b", "c")
    assert floor.ledger.unpublished(10) == []
