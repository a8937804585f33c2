import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.answers import read_answer, write_answer
from agents.kinds.strictly import LONGEST
from contracts.payloads import Side
from contracts.refusals import Reason, Refusal
from tests.agents.questions import question

GOOD = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "confidence": 0.7,
    "size_fraction": 0.5,
    "stop_loss": 100.5,
    "take_profit": "120.25",
    "horizon_seconds": 900,
    "rationale": "It rises.",
}
HOLD = GOOD | {"side": "HOLD", "size_fraction": 0, "stop_loss": None, "take_profit": None}


def refused(text: str) -> str:
    with pytest.raises(Refusal) as caught:
        read_answer(text, question())
    assert caught.value.reason is Reason.BAD_ANSWER
    return caught.value.error


def test_a_fitting_answer_is_an_opinion():
    opinion = read_answer(json.dumps(GOOD), question())
    assert (opinion.side, opinion.size_fraction) == (Side.BUY, 0.5)
    assert (str(opinion.stop_loss), str(opinion.take_profit)) == ("100.5", "120.25")
    assert read_answer(write_answer(opinion, "BTCUSDT"), question()) == opinion


def test_it_may_say_what_its_peers_should_know():
    assert read_answer(json.dumps(GOOD), question()).insight == ""
    assert (
        read_answer(json.dumps(HOLD | {"insight": "Volume dries up."}), question()).insight
        == "Volume dries up."
    )


def test_a_hold_needs_no_brackets():
    assert read_answer(json.dumps(HOLD), question()).side is Side.HOLD


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"symbol": "ETHUSDT"}, "asked about BTCUSDT, answered about ETHUSDT"),
        ({"side": "LONG"}, "side: "),
        ({"confidence": 1.2}, "confidence: "),
        ({"confidence": "0.7"}, "confidence: "),
        ({"confidence": None}, "confidence: "),
        ({"size_fraction": -0.1}, "size_fraction: "),
        ({"size_fraction": 0}, "a BUY cannot have size_fraction 0.0"),
        ({"side": "HOLD"}, "a HOLD cannot have size_fraction 0.5"),
        ({"stop_loss": -1}, "stop_loss: "),
        ({"stop_loss": 125.0, "take_profit": None}, "stop_loss 125 is on the wrong side"),
        ({"stop_loss": None, "take_profit": 99.0}, "take_profit 99 is on the wrong side"),
        ({"stop_loss": 120.0, "take_profit": 100.0}, "inverted for a BUY"),
        ({"horizon_seconds": 0}, "horizon_seconds: "),
        ({"horizon_seconds": 1.5}, "horizon_seconds: "),
        ({"leverage": 50}, "leverage: "),
        ({"rationale": "x" * 4_001}, "rationale: "),
        ({"insight": "x" * 401}, "insight: "),
        ({"insight": 7}, "insight: "),
        ({"size_fraction": 1.5}, "size_fraction: "),
    ],
)
def test_what_does_not_fit_is_refused(change, told):
    assert told in refused(json.dumps(GOOD | change))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "Sure! " + json.dumps(GOOD),
        f"```json\n{json.dumps(GOOD)}\n```",
        json.dumps(GOOD) + " Good luck.",
        json.dumps(GOOD)[:-10],
        json.dumps(GOOD | {"confidence": float("nan")}),
        json.dumps(GOOD | {"stop_loss": float("inf")}),
        json.dumps(GOOD | {"stop_loss": "NaN"}),
        "[" * 100_000,
        "x" * (LONGEST + 1),
    ],
)
def test_what_is_not_one_json_object_is_refused(text):
    refused(text)


@pytest.mark.parametrize(
    "field", ["symbol", "side", "confidence", "size_fraction", "horizon_seconds", "rationale"]
)
def test_every_field_but_the_brackets_is_needed(field):
    assert f"{field}: Field required" in refused(json.dumps({k: v for k, v in GOOD.items() if k != field}))


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_an_opinion_or_a_refusal(text):
    refused(text)


_VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just([1])


@given(st.sampled_from(sorted(GOOD)), _VALUES)
def test_any_value_in_any_field_is_an_opinion_or_a_refusal(field, value):
    try:
        opinion = read_answer(json.dumps(GOOD | {field: value}), question())
    except Refusal as refusal:
        assert refusal.reason is Reason.BAD_ANSWER
    else:
        assert opinion.side is Side.BUY and 0 < opinion.size_fraction <= 1
