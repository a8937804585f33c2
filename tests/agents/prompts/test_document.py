"""What a prompt's document is when it is made of parts: the JSON of the whole, and as many tokens."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agents.prompts.document import array_of, counted, object_of, part, prices_part, remembered, text_part
from contracts.decisions import Heard
from contracts.message import MessageType

VALUES = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())
NAMES = st.text(st.characters(categories=["Ll"]), max_size=8)


def whole(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.lists(VALUES, max_size=6))
def test_parts_make_up_the_whole(fields: dict[str, object], items: list[object]) -> None:
    made = object_of(
        {name: part(value) for name, value in fields.items()}
        | {"zz": array_of([part(item) for item in items])}
    )
    assert made == counted(whole(fields | {"zz": items}))


@given(st.lists(st.floats(1e-6, 1e9), max_size=20))
def test_prices_are_written_like_any_numbers(prices: list[float]) -> None:
    assert prices_part(tuple(prices)) == counted(whole(prices))


def test_the_very_same_is_written_once_and_an_equal_one_for_itself() -> None:
    zero, minus_zero = {"return_1": 0.0}, {"return_1": -0.0}
    assert zero == minus_zero
    assert remembered(zero) is remembered(zero)
    assert (remembered(zero).text, remembered(minus_zero).text) == ('{"return_1":0.0}', '{"return_1":-0.0}')
    said = Heard(
        message_id="m-1",
        sender="qwen-7b",
        type=MessageType.INSIGHT,
        event_time="2024-01-15T10:00:00Z",
        text="It rises.",
    )
    assert remembered(said) == counted(whole(said.model_dump(mode="json")))
    assert remembered(None) == text_part(None) == counted("null")
