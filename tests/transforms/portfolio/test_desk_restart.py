"""A desk that starts from its state goes on as if it had never stopped, whatever its log."""

from collections.abc import Callable
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.message import Message
from contracts.refusals import Reason, Refusal
from contracts.rows.trading import PositionRow
from tests.transforms.portfolio.desk_log import (
    BTC,
    ETH,
    ROSTER,
    Player,
    control,
    desk,
    mark,
    order_id,
    proposal,
    rows,
    said,
    same,
    signal,
    step,
)
from transforms.log import Raw
from transforms.portfolio.reading import TradingIntake

AGENTS = st.sampled_from(["alpha", "beta", "nobody"])
SYMBOLS = st.sampled_from([BTC, ETH])
SIDES = st.sampled_from(["BUY", "SELL"])
NAMES = st.sampled_from([f"d{number}" for number in range(6)])
PRICES = st.decimals("1500", "50000", places=2).map(str)
Said = Callable[[float], Message]

marks = st.builds(lambda symbol, price: lambda s: mark(s, symbol, price), SYMBOLS, PRICES)
proposals = st.builds(
    lambda name, agent, symbol, side, size, only: (
        lambda s: proposal(s, name, agent, symbol, side, size, reduce_only=only)
    ),
    NAMES,
    AGENTS,
    SYMBOLS,
    SIDES,
    st.floats(0, 1),
    st.booleans(),
)
signals = st.builds(
    lambda name, agent, side: lambda s: signal(s, name, agent, BTC, side, "900"), NAMES, AGENTS, SIDES
)
steps = st.builds(
    lambda name, sequence, status, agent, side, price: (
        lambda s: step(s, order_id(name), sequence, status, agent, BTC, side, "0.02", ("0.01", price, "0.1"))
    ),
    NAMES,
    st.integers(1, 3),
    st.sampled_from(["PARTIALLY_FILLED", "FILLED"]),
    st.sampled_from(["alpha", "beta"]),
    SIDES,
    PRICES,
)
controls = st.sampled_from(["kill", "release"]).map(lambda action: lambda s: control(s, action))
logs = st.lists(
    st.tuples(st.one_of(marks, marks, proposals, proposals, signals, steps, controls), st.integers(-5, 400)),
    min_size=2,
    max_size=25,
)


def written(log: list[tuple[Said, int]]) -> list[Message]:
    messages, now = [], 0
    for say, seconds in log:
        now = max(0, now + seconds)
        messages.append(say(now))
    return messages


@settings(max_examples=60, deadline=None)
@given(logs, st.data())
def test_restored_it_says_the_same_to_the_rest_of_the_log(
    log: list[tuple[Said, int]], data: st.DataObject
) -> None:
    messages = written(log)
    cut = data.draw(st.integers(0, len(messages)))
    whole = Player(desk())
    whole(*messages[:cut])
    dumped = whole.core.dump()
    anew = Player(desk(), position=cut)
    anew.core.restore(dumped)
    assert anew.core.dump() == dumped
    assert same(anew(*messages[cut:])) == same(whole(*messages[cut:]))
    assert anew.core.dump() == whole.core.dump()
    assert same(anew.core.flush()) == same(whole.core.flush())


@settings(max_examples=60, deadline=None)
@given(logs)
def test_delivering_every_execution_twice_changes_no_position(log: list[tuple[Said, int]]) -> None:
    messages = written(log)
    once, twice = Player(desk()), Player(desk())
    plain = once(*messages)
    doubled = twice(*(copy for m in messages for copy in ([m, m] if m.type == "ORDER_EXECUTION" else [m])))

    def told(outputs: list) -> list:
        return [(r.agent, r.symbol, r.quantity, r.realised_pnl, r.fees) for r in rows(PositionRow, outputs)]

    assert told(doubled) == told(plain)


def test_a_restore_control_gives_the_book_back() -> None:
    before = Player(desk())
    before(
        mark(0, BTC, "40000"), step(1, "o", 1, "FILLED", "alpha", BTC, "BUY", "0.1", ("0.1", "40000", "2"))
    )
    state = orjson.loads(before.core.dump())
    after = Player(desk())
    outputs = after(control(2, "restore", core="trading", state=state))
    (update,) = said("RISK_UPDATE", outputs)
    assert update.payload.equity == Decimal(99_998)  # type: ignore[attr-defined]
    assert update.payload.alerts == ("book restored by ada",)  # type: ignore[attr-defined]
    assert said("GUIDANCE", outputs) == []


def read(message: Message) -> Message:
    return TradingIntake(ROSTER).read(Raw(message.to_json(), {}, 0))


def test_what_belongs_on_the_topic_is_read() -> None:
    for message in (mark(0, BTC, "1"), signal(0, "s", "beta", BTC, "BUY", "1"), control(0, "kill")):
        assert read(message) == message


@pytest.mark.parametrize(
    ("message", "reason", "error"),
    [
        (
            mark(0, BTC, "1").model_copy(update={"desk": "other"}),
            Reason.WRONG_TOPIC,
            "desk other has no book here; this job keeps main's",
        ),
        (
            mark(0, BTC, "1").model_copy(update={"sender": "alpha"}),
            Reason.WRONG_TOPIC,
            "MARK is said by market, not by alpha",
        ),
        (
            step(0, "o", 1, "FILLED", "alpha", BTC, "BUY", "1", ("1", "1", "0"), sender="alpha"),
            Reason.WRONG_TOPIC,
            "ORDER_EXECUTION is said by execution or trading, not by alpha",
        ),
        (
            said("RISK_UPDATE", Player(desk())(mark(0, BTC, "1")))[0],
            Reason.WRONG_TOPIC,
            "RISK_UPDATE does not belong on the trading topic",
        ),
        (
            control(0, "restore", core="trading", state={"book": 1}),
            Reason.WRONG_FIELD,
            "this is no state that a desk wrote: KeyError 'limits'",
        ),
    ],
)
def test_what_does_not_is_refused(message: Message, reason: Reason, error: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read(message)
    assert (refusal.value.reason, refusal.value.error) == (reason, error)
