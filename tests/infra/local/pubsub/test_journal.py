"""What the journal keeps: exactly the unacknowledged messages, also after a crash."""

import shutil
from pathlib import Path

from infra.local.pubsub.broker import Broker
from infra.local.pubsub.journal import SqliteJournal
from infra.local.pubsub.message import Draft, Message
from infra.local.pubsub.settings import SubscriptionSettings, TopicSettings

TOPIC = TopicSettings("projects/sapphire-test/topics/events", {"l": "1"}, 600.0)
PLAIN = SubscriptionSettings(
    "projects/sapphire-test/subscriptions/plain",
    TOPIC.name,
    retain_acked=True,
    backoff=(1.5, 30.0),
    labels={"a": "b"},
)
FILTERED = SubscriptionSettings(
    "projects/sapphire-test/subscriptions/filtered", TOPIC.name, filter="attributes:wanted"
)
START = 1_700_000_000.25


def content(message: Message) -> tuple[int, bytes, dict[str, str], str, float, int]:
    return (
        message.id,
        message.data,
        dict(message.attributes),
        message.ordering_key,
        message.publish_time,
        message.size,
    )


def test_after_a_crash_what_was_published_and_not_acknowledged_is_there(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "live")
    broker = Broker(journal=journal, next_id=journal.first_id)
    broker.create_topic(TOPIC)
    plain, filtered = broker.create_subscription(PLAIN), broker.create_subscription(FILTERED)
    broker.publish(TOPIC.name, [Draft(b"1"), Draft(b"2", {"wanted": "é"}, "k"), Draft(b"3")], START)
    plain.acknowledge([plain.take(START, 1)[0].ack_id])
    broker.advance(START + 1)
    broker.publish(TOPIC.name, [Draft(b"4")], START + 1)
    before = [[content(message) for message in item.unacked()] for item in (plain, filtered)]

    # The files as they are while the process still runs: what a killed process leaves behind.
    shutil.copytree(tmp_path / "live", tmp_path / "crashed")
    again = SqliteJournal(tmp_path / "crashed")
    restored = Broker(journal=again, next_id=again.first_id)
    restored.restore(again.topics(), again.subscriptions())

    assert restored.topic(TOPIC.name).settings == TOPIC
    assert restored.subscription(PLAIN.name).settings == PLAIN
    assert [
        [content(message) for message in restored.subscription(name).unacked()]
        for name in (PLAIN.name, FILTERED.name)
    ] == before
    assert [row[1] for row in before[0]] == [b"2", b"3", b"4"]
    assert [row[1] for row in before[1]] == [b"2"]
    (fresh,) = restored.publish(TOPIC.name, [Draft(b"5")], START + 2)
    assert fresh.id > 4
    assert restored.subscription(PLAIN.name).backlog == 4
    journal.close()
    again.close()


def test_deletes_and_seeks_are_kept(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path)
    broker = Broker(journal=journal, next_id=journal.first_id)
    broker.create_topic(TOPIC)
    broker.create_subscription(PLAIN)
    broker.create_subscription(FILTERED)
    broker.publish(TOPIC.name, [Draft(b"1"), Draft(b"2")], START)
    broker.seek_to_time(PLAIN.name, START + 1)
    broker.delete_subscription(FILTERED.name)
    assert [(item.name, messages) for item, _, messages in journal.subscriptions()] == [(PLAIN.name, [])]
    broker.seek_to_time(PLAIN.name, START)
    broker.delete_topic(TOPIC.name)
    ((settings, detached, messages),) = journal.subscriptions()
    assert (settings.topic, detached) == ("_deleted-topic_", False)
    assert [message.data for message in messages] == [b"1", b"2"]
    assert journal.topics() == []
    journal.close()
