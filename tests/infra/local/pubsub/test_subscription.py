"""Deadlines, order, dead letters, retry and bounds, with a clock that the test holds."""

import logging
from typing import Any

import pytest

from infra.local.pubsub.broker import Broker
from infra.local.pubsub.delivery import Consumer, Entry
from infra.local.pubsub.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from infra.local.pubsub.message import Draft
from infra.local.pubsub.settings import Bounds, SubscriptionSettings, TopicSettings
from infra.local.pubsub.subscription import Subscription

TOPIC = "projects/sapphire-test/topics/events"
NAME = "projects/sapphire-test/subscriptions/events-sub"
START = 1_700_000_000.0


def set_up(bounds: Bounds | None = None, **settings: Any) -> tuple[Broker, Subscription]:
    broker = Broker(bounds)
    broker.create_topic(TopicSettings(TOPIC))
    return broker, broker.create_subscription(SubscriptionSettings(NAME, TOPIC, **settings))


def publish(broker: Broker, *texts: str, key: str = "", now: float = START) -> None:
    broker.publish(TOPIC, [Draft(text.encode(), {}, key) for text in texts], now)


def texts(entries: list[Entry]) -> list[str]:
    return [entry.message.data.decode() for entry in entries]


def ids(entries: list[Entry]) -> list[str]:
    return [entry.ack_id for entry in entries]


def test_a_missed_deadline_brings_the_message_back() -> None:
    broker, subscription = set_up(ack_deadline=10)
    publish(broker, "a")
    (first,) = subscription.take(START, 10)
    stale = first.ack_id

    assert subscription.take(START + 9.999, 10) == []
    (second,) = subscription.take(START + 10, 10)

    assert (second.message.id, second.attempt) == (1, 2)
    subscription.acknowledge([stale])
    assert subscription.backlog == 1
    subscription.acknowledge([second.ack_id])
    assert (subscription.backlog, subscription.counts.acked, subscription.counts.redelivered) == (0, 1, 1)


def test_an_extended_deadline_holds_and_a_nack_is_at_once() -> None:
    broker, subscription = set_up()
    publish(broker, "a")
    (entry,) = subscription.take(START, 10)
    subscription.modify_deadline(START + 9, [entry.ack_id], 60)
    assert subscription.take(START + 68.9, 10) == []
    subscription.modify_deadline(START + 68.9, [entry.ack_id], 0)
    assert texts(subscription.take(START + 68.9, 10)) == ["a"]
    with pytest.raises(InvalidArgumentError):
        subscription.modify_deadline(START, [entry.ack_id], 601)


def test_order_of_a_key_is_kept_and_one_batch_is_outstanding() -> None:
    broker, subscription = set_up(ordering=True)
    publish(broker, "a1", "a2", "a3", key="a")
    publish(broker, "b1", key="b")
    publish(broker, "free")

    batch = subscription.take(START, 2)
    assert texts(batch) == ["a1", "a2"]
    assert texts(subscription.take(START, 10)) == ["b1", "free"]
    subscription.acknowledge([batch[1].ack_id])
    assert subscription.take(START, 10) == []
    subscription.acknowledge([batch[0].ack_id])
    assert texts(subscription.take(START, 10)) == ["a3"]


def test_redelivery_brings_back_all_that_came_after_in_order() -> None:
    broker, subscription = set_up(ordering=True)
    publish(broker, "1", "2", "3", "4", key="k")
    batch = subscription.take(START, 3)
    subscription.acknowledge([batch[0].ack_id, batch[2].ack_id])
    subscription.modify_deadline(START, [batch[1].ack_id], 0)

    again = subscription.take(START, 10)

    assert texts(again) == ["2", "3", "4"]
    assert [entry.attempt for entry in again] == [2, 1, 1]
    subscription.acknowledge(ids(again))
    assert (subscription.backlog, subscription.counts.acked) == (0, 4)


def test_a_stream_that_holds_a_key_gets_more_of_it_and_nobody_else_does() -> None:
    broker, subscription = set_up(ordering=True)
    woken: list[str] = []
    mine, other = Consumer(lambda: woken.append("mine")), Consumer(lambda: woken.append("other"))
    subscription.attach(mine)
    subscription.attach(other)
    publish(broker, "1", key="k")
    first = subscription.take(START, 10, mine)
    woken.clear()
    publish(broker, "2", key="k")

    assert "mine" in woken
    assert subscription.take(START, 10, other) == []
    second = subscription.take(START, 10, mine)
    assert texts(second) == ["2"]

    publish(broker, "3", key="k")
    subscription.detach_consumer(mine)
    assert subscription.take(START, 10, other) == []
    subscription.acknowledge(ids(first + second))
    assert texts(subscription.take(START, 10, other)) == ["3"]


def test_flow_control_counts_messages_and_bytes() -> None:
    broker, subscription = set_up()
    publish(broker, "12345", "12345", "12345")
    by_count, by_bytes = Consumer(max_messages=1), Consumer(max_bytes=5)
    held = subscription.take(START, 10, by_count)
    assert len(held) == 1 and subscription.take(START, 10, by_count) == []
    assert len(subscription.take(START, 10, by_bytes)) == 1
    subscription.acknowledge(ids(held))
    assert len(subscription.take(START, 10, by_count)) == 1


def test_dead_letter_after_the_last_attempt_with_the_documented_attributes() -> None:
    dead = "projects/sapphire-test/topics/dead"
    broker, subscription = set_up(dead_letter_topic=dead, max_delivery_attempts=5)
    broker.create_topic(TopicSettings(dead))
    grave = broker.create_subscription(SubscriptionSettings(NAME + "-dead", dead))
    broker.publish(TOPIC, [Draft(b"bad", {"k": "v"}, "")], START)
    for attempt in range(1, 6):
        (entry,) = subscription.take(START, 1)
        assert entry.attempt == attempt
        subscription.modify_deadline(START, [entry.ack_id], 0)

    assert subscription.take(START, 1) == []
    (buried,) = grave.take(START, 1)
    assert buried.message.data == b"bad"
    assert buried.message.attributes == {
        "k": "v",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "events-sub",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "sapphire-test",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2023-11-14T22:13:20.000+00:00",
    }
    assert (subscription.backlog, subscription.counts.dead_lettered) == (0, 1)


def test_without_its_dead_letter_topic_delivery_goes_on() -> None:
    broker, subscription = set_up(dead_letter_topic="projects/sapphire-test/topics/none", ordering=True)
    publish(broker, "1", "2", key="k")
    for _ in range(7):
        batch = subscription.take(START, 10)
        assert texts(batch) == ["1", "2"]
        subscription.modify_deadline(START, [batch[0].ack_id], 0)


def test_a_dead_letter_lets_its_key_go_on() -> None:
    dead = "projects/sapphire-test/topics/dead"
    broker, subscription = set_up(dead_letter_topic=dead, ordering=True)
    broker.create_topic(TopicSettings(dead))
    publish(broker, "1", "2", key="k")
    for _ in range(5):
        (entry,) = subscription.take(START, 1)
        subscription.modify_deadline(START, [entry.ack_id], 0)
    assert texts(subscription.take(START, 1)) == ["2"]


def test_back_off_grows_to_its_maximum() -> None:
    broker, subscription = set_up(backoff=(1.0, 3.0))
    publish(broker, "a")
    now = START
    for delay in (1.0, 2.0, 3.0, 3.0):
        (entry,) = subscription.take(now, 1)
        subscription.modify_deadline(now, [entry.ack_id], 0)
        assert subscription.take(now + delay - 0.001, 1) == []
        now += delay
    assert texts(subscription.take(now, 1)) == ["a"]


def test_the_bound_drops_the_oldest_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    broker, subscription = set_up(Bounds(messages=3, bytes=1_000), ordering=True)
    publish(broker, "1", "2", key="k")
    leased = subscription.take(START, 1)
    with caplog.at_level(logging.WARNING):
        publish(broker, "3", "4", key="k")
    assert "dropped" in caplog.text
    subscription.acknowledge(ids(leased))
    assert texts(subscription.take(START, 10)) == ["2", "3", "4"]
    assert (subscription.counts.dropped, subscription.counts.acked) == (1, 0)


def test_retention_lets_go_of_old_messages() -> None:
    broker, subscription = set_up(retention=600.0)
    publish(broker, "old")
    publish(broker, "new", now=START + 1)
    broker.advance(START + 600)
    assert texts(subscription.take(START + 600, 10)) == ["new"]


def test_deleted_and_detached_subscriptions_refuse() -> None:
    broker, subscription = set_up()
    publish(broker, "a")
    broker.detach_subscription(NAME)
    assert subscription.backlog == 0
    with pytest.raises(FailedPreconditionError):
        subscription.take(START, 1)
    broker.delete_subscription(NAME)
    with pytest.raises(NotFoundError):
        broker.subscription(NAME)


def test_seek_into_the_future_discards_and_back_restores() -> None:
    broker, subscription = set_up(retain_acked=True, ordering=True)
    publish(broker, "1", "2", key="k")
    publish(broker, "3", key="k", now=START + 1)
    subscription.acknowledge(ids(subscription.take(START + 1, 1)))
    broker.seek_to_time(NAME, START + 1)
    assert texts(subscription.take(START + 1, 10)) == ["3"]
    broker.seek_to_time(NAME, START)
    assert texts(subscription.take(START + 1, 10)) == ["1", "2", "3"]
    assert (subscription.counts.discarded, subscription.counts.restored) == (1, 2)


def test_a_topic_with_retention_feeds_a_seek_of_a_later_subscription() -> None:
    broker, _ = set_up()
    broker.update_topic(TopicSettings(TOPIC, retention=600.0))
    publish(broker, "1", "2")
    late = broker.create_subscription(SubscriptionSettings(NAME + "-late", TOPIC))
    assert late.take(START, 10) == []
    broker.seek_to_time(NAME + "-late", START)
    assert texts(late.take(START, 10)) == ["1", "2"]
