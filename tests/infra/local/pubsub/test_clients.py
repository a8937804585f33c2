"""The emulator through the ordinary google-cloud-pubsub clients."""

import json
import queue
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.subscriber.message import Message
from google.protobuf import duration_pb2, field_mask_pb2
from google.pubsub_v1.types import Subscription

from infra.local.pubsub.server import Options, Server, StartError
from tests.infra.local.pubsub.conftest import Clients, Running

Connect = Callable[[Server], Clients]


def test_publish_and_unary_pull(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create()
    before = datetime.now(UTC)
    ids = [
        clients.publisher.publish(clients.topic, data, kind="k").result(5)
        for data in (b"one", b"two", b"three")
    ]

    received = clients.pull(3)

    assert [item.message.data for item in received] == [b"one", b"two", b"three"]
    assert [item.message.message_id for item in received] == ids == ["1", "2", "3"]
    assert dict(received[0].message.attributes) == {"kind": "k"}
    assert before <= received[0].message.publish_time <= datetime.now(UTC)
    assert received[0].delivery_attempt == 0
    clients.subscriber.acknowledge(
        subscription=clients.subscription, ack_ids=[item.ack_id for item in received]
    )
    assert not clients.subscriber.pull(subscription=clients.subscription, max_messages=10).received_messages


def test_streaming_pull_acknowledges_and_obeys_flow_control(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create()
    messages: queue.Queue[Message] = queue.Queue()
    stream = clients.subscriber.subscribe(
        clients.subscription, callback=messages.put, flow_control=pubsub_v1.types.FlowControl(max_messages=2)
    )
    for number in range(5):
        clients.publisher.publish(clients.topic, str(number).encode()).result(5)

    first, second = messages.get(timeout=5), messages.get(timeout=5)
    assert server.broker.subscription(clients.subscription).outstanding == 2
    assert messages.empty()
    first.ack()
    second.ack()
    rest = [messages.get(timeout=5) for _ in range(2)]
    for message in rest:
        message.ack()
    last = messages.get(timeout=5)
    last.ack()
    stream.cancel()
    stream.result(5)

    assert sorted(item.data for item in (first, second, *rest, last)) == [b"0", b"1", b"2", b"3", b"4"]


def test_streaming_pull_redelivers_a_nack(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create(
        dead_letter_policy={
            "dead_letter_topic": "projects/sapphire-test/topics/none",
            "max_delivery_attempts": 5,
        }
    )
    messages: queue.Queue[Message] = queue.Queue()
    stream = clients.subscriber.subscribe(clients.subscription, callback=messages.put)
    clients.publisher.publish(clients.topic, b"again").result(5)

    first = messages.get(timeout=5)
    assert first.delivery_attempt == 1
    first.nack()
    second = messages.get(timeout=5)
    assert (second.data, second.delivery_attempt, second.message_id) == (b"again", 2, first.message_id)
    second.ack()
    stream.cancel()
    stream.result(5)


def test_filter(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create(filter='attributes.kind = "wanted" OR hasPrefix(attributes.kind, "also-")')
    for kind in ("other", "wanted", "also-this"):
        clients.publisher.publish(clients.topic, b"x", kind=kind).result(5)

    assert [item.message.attributes["kind"] for item in clients.pull(2)] == ["wanted", "also-this"]
    assert server.broker.subscription(clients.subscription).counts.filtered == 1
    with pytest.raises(exceptions.InvalidArgument, match="parentheses"):
        clients.subscriber.create_subscription(
            request={
                "name": clients.subscription + "-2",
                "topic": clients.topic,
                "filter": "attributes:a AND attributes:b OR attributes:c",
            }
        )


def test_ordering_key_through_the_streaming_client(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create(enable_message_ordering=True)
    seen: queue.Queue[tuple[str, int]] = queue.Queue()
    failed_once: set[bytes] = set()

    def receive(message: Message) -> None:
        seen.put((message.ordering_key, int(message.data)))
        if message.data == b"3" and message.ordering_key == "a" and b"3" not in failed_once:
            failed_once.add(b"3")
            message.nack()
        else:
            message.ack()

    for number in range(10):
        for key in ("a", "b"):
            clients.publisher.publish(clients.topic, str(number).encode(), ordering_key=key)
    stream = clients.subscriber.subscribe(clients.subscription, callback=receive)
    order: dict[str, list[int]] = {"a": [], "b": []}
    while order["a"][-1:] != [9] or order["b"][-1:] != [9] or order["a"].count(3) < 2:
        key, number = seen.get(timeout=5)
        order[key].append(number)
    stream.cancel()
    stream.result(5)

    assert order["b"] == list(range(10))
    # From the failed message on, everything comes again and in order, whatever was already seen behind it.
    again = len(order["a"]) - 1 - order["a"][::-1].index(3)
    assert order["a"][:4] == [0, 1, 2, 3]
    assert order["a"][again:] == list(range(3, 10))


def test_state_survives_a_restart(running: Running, connect: Connect, tmp_path: Path) -> None:
    first = running.start(Options(port=0, data_dir=tmp_path))
    clients = connect(first)
    clients.create(enable_message_ordering=True, labels={"a": "b"})
    for number in range(4):
        clients.publisher.publish(clients.topic, str(number).encode(), ordering_key="k", n="v").result(5)
    leased = clients.pull(2)
    clients.subscriber.acknowledge(subscription=clients.subscription, ack_ids=[leased[0].ack_id])
    with pytest.raises(StartError, match="--data-dir"):
        running.start(Options(port=0, data_dir=tmp_path))
    running.stop(first)

    clients = connect(running.start(Options(port=0, data_dir=tmp_path)))

    received = clients.pull(3)
    assert [item.message.data for item in received] == [b"1", b"2", b"3"]
    assert received[0].message.ordering_key == "k" and dict(received[0].message.attributes) == {"n": "v"}
    answer = clients.subscriber.get_subscription(subscription=clients.subscription)
    assert answer.enable_message_ordering and dict(answer.labels) == {"a": "b"}
    fresh = clients.publisher.publish(clients.topic, b"new").result(5)
    assert int(fresh) > int(received[-1].message.message_id)


def test_status_codes(server: Server, connect: Connect) -> None:
    clients = connect(server)
    publisher, subscriber = clients.publisher, clients.subscriber
    with pytest.raises(exceptions.NotFound):
        publisher.get_topic(topic=clients.topic)
    with pytest.raises(exceptions.NotFound):
        publisher.publish(clients.topic, b"x").result(5)
    with pytest.raises(exceptions.NotFound):
        subscriber.create_subscription(name=clients.subscription, topic=clients.topic)
    clients.create()
    with pytest.raises(exceptions.AlreadyExists):
        publisher.create_topic(name=clients.topic)
    with pytest.raises(exceptions.AlreadyExists):
        subscriber.create_subscription(name=clients.subscription, topic=clients.topic)
    with pytest.raises(exceptions.InvalidArgument, match="not a valid name"):
        publisher.create_topic(name="projects/sapphire-test/topics/goog-x")
    with pytest.raises(exceptions.InvalidArgument, match="10 MB"):
        publisher.api.publish(topic=clients.topic, messages=[{"data": b"x" * 10_000_001}])
    with pytest.raises(exceptions.InvalidArgument, match="non-empty data"):
        publisher.api.publish(topic=clients.topic, messages=[{}])
    with pytest.raises(exceptions.MethodNotImplemented, match="push_config"):
        subscriber.create_subscription(
            request={
                "name": clients.subscription + "-push",
                "topic": clients.topic,
                "push_config": {"push_endpoint": "https://example.com"},
            }
        )
    publisher.detach_subscription(request={"subscription": clients.subscription})
    with pytest.raises(exceptions.FailedPrecondition):
        subscriber.pull(subscription=clients.subscription, max_messages=1)
    with pytest.raises(exceptions.NotFound):
        subscriber.pull(subscription=clients.subscription + "-none", max_messages=1)


def test_lists_updates_and_deletes(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create()
    publisher, subscriber = clients.publisher, clients.subscriber
    for number in range(5):
        publisher.create_topic(name=f"projects/sapphire-test/topics/more-{number}")
    publisher.create_topic(name="projects/another-project/topics/more-1")
    listed = publisher.list_topics(request={"project": "projects/sapphire-test", "page_size": 2})
    assert [topic.name.rsplit("/", 1)[1] for topic in listed] == ["events", *(f"more-{n}" for n in range(5))]
    assert list(publisher.list_topic_subscriptions(topic=clients.topic)) == [clients.subscription]
    assert [item.name for item in subscriber.list_subscriptions(project="projects/sapphire-test")] == [
        clients.subscription
    ]

    changed = subscriber.update_subscription(
        subscription=Subscription(
            {
                "name": clients.subscription,
                "ack_deadline_seconds": 33,
                "labels": {"x": "y"},
                "retry_policy": {"minimum_backoff": duration_pb2.Duration(seconds=3)},
            }
        ),
        update_mask=field_mask_pb2.FieldMask(paths=["ack_deadline_seconds", "retry_policy"]),
    )
    assert (changed.ack_deadline_seconds, dict(changed.labels)) == (33, {})
    assert changed.retry_policy.minimum_backoff.seconds == 3
    with pytest.raises(exceptions.InvalidArgument, match="filter"):
        subscriber.update_subscription(
            subscription=Subscription(name=clients.subscription, filter="attributes:x"),
            update_mask=field_mask_pb2.FieldMask(paths=["filter"]),
        )

    publisher.delete_topic(topic=clients.topic)
    assert subscriber.get_subscription(subscription=clients.subscription).topic == "_deleted-topic_"
    subscriber.delete_subscription(subscription=clients.subscription)
    with pytest.raises(exceptions.NotFound):
        subscriber.get_subscription(subscription=clients.subscription)


def test_deleting_the_subscription_ends_its_streams(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create()
    stream = clients.subscriber.subscribe(clients.subscription, callback=lambda message: message.ack())
    clients.subscriber.delete_subscription(subscription=clients.subscription)
    with pytest.raises(exceptions.NotFound):
        stream.result(10)


def test_seek_and_snapshot(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create(retain_acked_messages=True)
    publisher, subscriber = clients.publisher, clients.subscriber
    start = datetime.now(UTC)
    for data in (b"1", b"2"):
        publisher.publish(clients.topic, data).result(5)
    snapshot = subscriber.snapshot_path("sapphire-test", "before")
    subscriber.create_snapshot(name=snapshot, subscription=clients.subscription)
    subscriber.acknowledge(
        subscription=clients.subscription, ack_ids=[item.ack_id for item in clients.pull(2)]
    )

    subscriber.seek(request={"subscription": clients.subscription, "snapshot": snapshot})
    received = clients.pull(2)
    assert [item.message.data for item in received] == [b"1", b"2"]
    subscriber.acknowledge(subscription=clients.subscription, ack_ids=[item.ack_id for item in received])
    subscriber.seek(request={"subscription": clients.subscription, "time": start})
    assert [item.message.data for item in clients.pull(2)] == [b"1", b"2"]
    subscriber.seek(request={"subscription": clients.subscription, "time": datetime.now(UTC)})
    assert server.broker.subscription(clients.subscription).backlog == 0


def test_counts_over_http(server: Server, connect: Connect) -> None:
    clients = connect(server)
    clients.create()
    clients.publisher.publish(clients.topic, b"12345", k="v").result(5)
    clients.publisher.publish(clients.topic, b"1").result(5)
    received = clients.pull(2)
    clients.subscriber.acknowledge(subscription=clients.subscription, ack_ids=[received[0].ack_id])

    with urllib.request.urlopen(f"http://127.0.0.1:{server.stats_port}/stats", timeout=5) as answer:
        counts = json.load(answer)

    assert counts["topics"][clients.topic] == {"published": 2, "published_bytes": 8}
    mine = counts["subscriptions"][clients.subscription]
    assert (mine["received"], mine["delivered"], mine["acked"]) == (2, 2, 1)
    assert (mine["outstanding"], mine["backlog"], mine["backlog_bytes"]) == (1, 1, 1)
