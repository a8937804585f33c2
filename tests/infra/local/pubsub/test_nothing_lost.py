"""Whatever consumers do, every message ends exactly once, per key in order, and the counts add up."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from infra.local.pubsub.broker import Broker
from infra.local.pubsub.delivery import Consumer, Entry
from infra.local.pubsub.message import Draft
from infra.local.pubsub.settings import SubscriptionSettings, TopicSettings

TOPIC = "projects/sapphire-test/topics/events"
PLAIN = "projects/sapphire-test/subscriptions/plain"
ORDERED = "projects/sapphire-test/subscriptions/ordered"


class Consumers(RuleBasedStateMachine):
    """Two consumers and unary pulls on a plain and an ordered subscription, under every mix of outcomes."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_700_000_000.0
        self.broker = Broker()
        self.broker.create_topic(TopicSettings(TOPIC))
        self.broker.create_subscription(SubscriptionSettings(PLAIN, TOPIC))
        self.broker.create_subscription(SubscriptionSettings(ORDERED, TOPIC, ordering=True))
        self.published = 0
        self.streams: dict[tuple[str, int], Consumer] = {}
        for name in (PLAIN, ORDERED):
            for number in (1, 2):
                self.streams[name, number] = self._connect(name, number)
        # By key: the last message handed out since the last redelivery of that key.
        self.last: dict[str, int] = {}

    def _connect(self, name: str, number: int) -> Consumer:
        consumer = Consumer(max_messages=3 * number)
        self.broker.subscription(name).attach(consumer)
        return consumer

    @rule(keys=st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=6))
    def publish(self, keys: list[str]) -> None:
        self.broker.publish(TOPIC, [Draft(b"x", {}, key) for key in keys], self.now)
        self.published += len(keys)

    @rule(
        target=leases,
        name=st.sampled_from([PLAIN, ORDERED]),
        number=st.integers(0, 2),
        limit=st.integers(1, 5),
    )
    def take(self, name: str, number: int, limit: int) -> tuple[str, list[str]]:
        entries = self.broker.subscription(name).take(self.now, limit, self.streams.get((name, number)))
        if name == ORDERED:
            for entry in entries:
                self._check_order(entry)
        return name, [entry.ack_id for entry in entries]

    def _check_order(self, entry: Entry) -> None:
        key = entry.message.ordering_key
        if key:
            redelivered = entry.times_delivered > 1
            assert redelivered or entry.message.id > self.last.get(key, 0)
            self.last[key] = max(entry.message.id, self.last.get(key, 0))

    @rule(lease=consumes(leases), upto=st.integers(0, 5))
    def acknowledge_some(self, lease: tuple[str, list[str]], upto: int) -> None:
        self.broker.subscription(lease[0]).acknowledge(lease[1][:upto])

    @rule(lease=leases, which=st.integers(0, 4))
    def nack(self, lease: tuple[str, list[str]], which: int) -> None:
        self.broker.subscription(lease[0]).modify_deadline(self.now, lease[1][which : which + 1], 0)

    @rule(seconds=st.sampled_from([0.5, 4.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.broker.advance(self.now)

    @rule(name=st.sampled_from([PLAIN, ORDERED]), number=st.sampled_from([1, 2]))
    def reconnect(self, name: str, number: int) -> None:
        self.broker.subscription(name).detach_consumer(self.streams[name, number])
        self.streams[name, number] = self._connect(name, number)

    @invariant()
    def counts_add_up(self) -> None:
        for name in (PLAIN, ORDERED):
            subscription = self.broker.subscription(name)
            assert subscription.counts.received == self.published
            assert subscription.counts.acked + subscription.backlog == self.published
        for (_, number), stream in self.streams.items():
            assert 0 <= stream.messages <= 3 * number

    def teardown(self) -> None:
        self.wait(11.0)
        for name in (PLAIN, ORDERED):
            subscription = self.broker.subscription(name)
            last: dict[str, int] = {}
            while entries := subscription.take(self.now, 4):
                for entry in entries:
                    key = entry.message.ordering_key
                    if key and name == ORDERED:
                        assert entry.message.id > last.get(key, 0)
                        last[key] = entry.message.id
                subscription.acknowledge([entry.ack_id for entry in entries])
            assert (subscription.backlog, subscription.outstanding) == (0, 0)
            assert subscription.counts.acked == self.published


Consumers.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestConsumers = Consumers.TestCase
