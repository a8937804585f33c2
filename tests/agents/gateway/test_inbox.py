import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agents.gateway.inbox import Acknowledged, Arrival, Inbox, Named
from tests.agents.gateway.desk import insight


def ids(messages: object) -> list[str]:
    return [message.message_id for message in messages]  # type: ignore[attr-defined]


def test_the_timeline_of_the_docstring() -> None:
    inbox = Inbox(lease_seconds=60)
    for name in ("a1", "a2", "b1"):
        inbox.arrive(insight(name, sender=name[0]), f"r-{name}")
    assert ids(inbox.take(0, 2)) == ["a1", "a2"]
    assert ids(inbox.take(10, 10)) == ["b1"]
    inbox.arrive(insight("a3", sender="a"), "r-a3")
    assert ids(inbox.take(12, 10)) == []
    assert inbox.acknowledge(["a1"]) == Acknowledged(("a1",), ("r-a1",), (), 1)
    assert ids(inbox.take(15, 10)) == []
    assert inbox.next_change(15) == 60
    assert ids(inbox.take(60, 10)) == ["a2", "a3"]


def test_a_copy_from_the_transport_is_no_second_message() -> None:
    inbox = Inbox(lease_seconds=60)
    assert inbox.arrive(insight("a1"), "r-1") is Arrival.NEW
    assert inbox.arrive(insight("a1"), "r-2") is Arrival.AGAIN
    assert ids(inbox.take(0, 10)) == ["a1"]
    assert inbox.acknowledge(["a1"]).receipts == ("r-1", "r-2")
    assert inbox.arrive(insight("a1"), "r-3") is Arrival.DONE
    assert len(inbox) == 0


def test_two_senders_may_use_the_same_id() -> None:
    inbox = Inbox(lease_seconds=60)
    assert inbox.arrive(insight("m", sender="a"), "r-1") is Arrival.NEW
    assert inbox.arrive(insight("m", sender="b"), "r-2") is Arrival.NEW


def shared_id(most: int) -> Inbox:
    """An inbox with a message of a and one of b, both called m, of which `most` are handed out."""
    inbox = Inbox(lease_seconds=60)
    for sender in ("a", "b"):
        inbox.arrive(insight("m", sender=sender), f"r-{sender}")
    assert [message.sender for message in inbox.take(0, most)] == ["a", "b"][:most]
    return inbox


def test_an_id_acknowledges_only_what_was_handed_out() -> None:
    inbox = shared_id(most=1)
    assert inbox.acknowledge(["m"]) == Acknowledged(("m",), ("r-a",), (), 1)
    assert inbox.acknowledge(["m"]) == Acknowledged((), (), ("m",), 0)
    assert [message.sender for message in inbox.take(1, 10)] == ["b"]


def test_what_was_handed_out_can_be_acknowledged_when_its_lease_has_run_out_or_was_released() -> None:
    inbox = Inbox(lease_seconds=60)
    for name in ("a1", "a2"):
        inbox.arrive(insight(name), f"r-{name}")
    taker = object()
    inbox.take(0, 2, taker)
    inbox.release(taker)
    assert inbox.acknowledge(["a1"]) == Acknowledged(("a1",), ("r-a1",), (), 1)
    inbox.take(10, 2)
    assert inbox.next_change(80) is None
    assert inbox.acknowledge(["a2"]) == Acknowledged(("a2",), ("r-a2",), (), 1)


def test_an_id_of_two_senders_acknowledges_both_unless_one_is_named() -> None:
    assert shared_id(most=2).acknowledge(["m"]) == Acknowledged(("m",), ("r-a", "r-b"), (), 2)
    inbox = shared_id(most=2)
    assert inbox.acknowledge([Named("m", "b")]) == Acknowledged(("m",), ("r-b",), (), 1)
    assert inbox.acknowledge([Named("m", "b")]) == Acknowledged((), (), ("m",), 0)
    assert [message.sender for message in inbox.take(60, 10)] == ["a"]


def test_a_named_message_ends_also_when_an_inbox_before_this_one_handed_it_out() -> None:
    assert shared_id(most=0).acknowledge([Named("m", "b")]) == Acknowledged(("m",), ("r-b",), (), 1)


def test_a_taker_releases_its_own_leases_alone() -> None:
    inbox, first, second = Inbox(lease_seconds=60), object(), object()
    for name in ("a1", "b1"):
        inbox.arrive(insight(name, sender=name[0]), f"r-{name}")
    assert ids(inbox.take(0, 1, first)) == ["a1"]
    assert ids(inbox.take(60, 1, second)) == ["a1"]
    assert ids(inbox.take(60, 1, first)) == ["b1"]
    inbox.release(first)
    assert ids(inbox.take(61, 10)) == ["b1"]
    assert inbox.next_change(61) == 120


def test_a_lease_that_ended_behind_one_that_was_renewed_is_no_change_to_wait_for() -> None:
    inbox = Inbox(lease_seconds=60)
    for name in ("a1", "a2"):
        inbox.arrive(insight(name), f"r-{name}")
    assert ids(inbox.take(0, 2)) == ["a1", "a2"]
    assert ids(inbox.take(70, 1)) == ["a1"]
    assert ids(inbox.take(80, 10)) == []
    assert inbox.next_change(80) == 130


def test_an_unknown_id_is_told_back() -> None:
    assert Inbox(lease_seconds=60).acknowledge(["x", "x"]) == Acknowledged((), (), ("x",), 0)


class Deliveries(RuleBasedStateMachine):
    """Whatever an agent does: nothing lost, nothing handed out twice in a lease, senders in order."""

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox(lease_seconds=10)
        self.now = 0.0
        self.sent: dict[str, list[str]] = {"a": [], "b": []}
        self.done: set[str] = set()
        self.leases: dict[str, float] = {}
        self.first_seen: dict[str, list[str]] = {"a": [], "b": []}

    @rule(sender=st.sampled_from(["a", "b"]))
    def arrives(self, sender: str) -> None:
        name = f"{sender}{len(self.sent[sender])}"
        self.sent[sender].append(name)
        assert self.inbox.arrive(insight(name, sender=sender), f"r-{name}") is Arrival.NEW

    @rule(most=st.integers(1, 4))
    def takes(self, most: int) -> None:
        taken = ids(self.inbox.take(self.now, most))
        assert len(taken) <= most
        for name in taken:
            assert name not in self.done
            assert self.leases.get(name, self.now) <= self.now
            self.leases[name] = self.now + 10
            seen = self.first_seen[name[0]]
            if name not in seen:
                seen.append(name)
            earlier = self.sent[name[0]][: self.sent[name[0]].index(name)]
            assert all(e in self.done or e in taken[: taken.index(name)] for e in earlier)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def acknowledges(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.leases)))
        result = self.inbox.acknowledge([name])
        assert (name in result.message_ids) == (name not in self.done)
        self.done.add(name)

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def senders_stay_in_order(self) -> None:
        for sender, seen in self.first_seen.items():
            assert seen == [name for name in self.sent[sender] if name in seen]

    @invariant()
    def nothing_is_lost(self) -> None:
        assert len(self.inbox) == sum(map(len, self.sent.values())) - len(self.done)

    def teardown(self) -> None:
        self.now += 10
        rest = ids(self.inbox.take(self.now, 10_000))
        assert sorted(rest) == sorted({n for names in self.sent.values() for n in names} - self.done)


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.gateway.inbox.REMEMBERED", 10)
    count = 15
    inbox = Inbox(lease_seconds=60)
    for number in range(count):
        inbox.arrive(insight("m").model_copy(update={"message_id": f"m{number}"}), "r")
    inbox.take(0, count)
    inbox.acknowledge([f"m{number}" for number in range(count)])
    assert inbox.arrive(insight(f"m{count - 1}"), "r") is Arrival.DONE
    assert inbox.arrive(insight("m0"), "r") is Arrival.NEW
