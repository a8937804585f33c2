"""Messages: round trip, types and payloads, ids, closed to what is unknown."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from contracts.coder import ContractCoder
from contracts.message import Message, MessageType, said_by
from contracts.payloads import HftSignal, Insight, Side
from tests.contracts.examples import PAYLOADS, T0, example


def test_there_is_an_example_of_every_type():
    assert set(PAYLOADS) == set(MessageType)


@pytest.mark.parametrize("kind", MessageType)
def test_json_gives_back_what_went_in(kind):
    message = example(kind)
    assert Message.from_json(message.to_json()) == message
    assert Message.from_json(message.to_json()).to_json() == message.to_json()
    assert message.type is kind


@pytest.mark.parametrize("kind", MessageType)
def test_the_beam_coder_gives_back_what_went_in(kind):
    message = example(kind)
    coder = ContractCoder()
    assert coder.decode(coder.encode(message)) == message
    assert coder.is_deterministic()


def test_the_coder_reads_what_was_written_before_a_field_was_added():
    written = json.loads(example(MessageType.INSIGHT).to_json())
    del written["correlation_id"], written["payload"]["symbol"]
    message = ContractCoder().decode(b"Message\n" + json.dumps(written).encode())
    assert message.correlation_id is None
    assert message.payload.symbol is None


def test_mappings_are_written_in_the_order_of_their_keys():
    one, other = (
        HftSignal(
            side=Side.BUY, symbol="BTCUSDT", confidence=1, notional=5, strategy="s", indicators=indicators
        ).to_json()
        for indicators in ({"rsi": 1.0, "atr": 2.0}, {"atr": 2.0, "rsi": 1.0})
    )
    assert one == other


def test_derived_ids_repeat_and_fresh_ids_do_not():
    insight = Insight(insight="x", confidence=1)

    def says(**more):
        return said_by("qwen-7b", insight, desk="main", event_time=T0, **more).message_id

    assert says(derived_from=("a",)) == says(derived_from=("a",)) != says(derived_from=("b",))
    assert says() != says()
    assert len(says()) == 35


def test_ids_sort_by_time():
    insight = Insight(insight="x", confidence=1)
    ids = [
        said_by("a", insight, desk="main", event_time=T0 + timedelta(microseconds=n)).message_id
        for n in range(50)
    ]
    assert ids == sorted(ids)


def test_times_are_utc_and_need_a_zone():
    content = json.loads(example(MessageType.INSIGHT).to_json())
    content["event_time"] = "2024-01-15T01:00:00.5+01:00"
    assert Message.model_validate(content).event_time == datetime(2024, 1, 15, 0, 0, 0, 500_000, tzinfo=UTC)
    content["event_time"] = "2024-01-15T01:00:00"
    with pytest.raises(ValidationError, match="a time needs its zone"):
        Message.model_validate(content)
    berlin = T0.astimezone(timezone(timedelta(hours=1)))
    assert (
        said_by("a", PAYLOADS[MessageType.HEARTBEAT], desk="main", event_time=berlin).event_time.tzinfo is UTC
    )


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"colour": "red"}, "colour"),
        ({"sender": "no spaces"}, "sender"),
        ({"payload": {"insight": "x"}}, "confidence"),
        ({"payload": {"insight": "x", "confidence": 2.0}}, "confidence"),
        ({"payload": {"insight": "x", "confidence": "nan"}}, "confidence"),
        ({"payload": "text"}, "payload"),
    ],
)
def test_what_is_wrong_is_refused_by_name(change, names):
    content = json.loads(example(MessageType.INSIGHT).to_json()) | change
    with pytest.raises(ValidationError, match=names):
        Message.model_validate(content)


@pytest.mark.parametrize(
    ("side", "stop_loss", "take_profit", "good"),
    [
        ("BUY", 90, 110, True),
        ("BUY", 110, 90, False),
        ("SELL", 110, 90, True),
        ("SELL", 90, 110, False),
        ("BUY", 90, 90, False),
    ],
)
def test_inverted_brackets_are_refused(side, stop_loss, take_profit, good):
    signal = {
        "side": side, "symbol": "BTCUSDT", "confidence": 1, "notional": 5, "strategy": "s",
        "stop_loss": stop_loss, "take_profit": take_profit,
    }  # fmt: skip
    if good:
        HftSignal.model_validate(signal)
    else:
        with pytest.raises(ValidationError, match="inverted"):
            HftSignal.model_validate(signal)
