"""What the intakes refuse beyond what cannot be read, and that a refusal is all that bad input can bring about."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.market_data import JSON
from contracts.message import MessageType, said_by
from contracts.refusals import Reason, Refusal
from contracts.roster import read_roster
from contracts.settings import Settings
from contracts.time import from_micros
from tests.contracts.examples import example
from tests.transforms.market.batches import at, quotes
from transforms.coordination.reading import CoordinationIntake
from transforms.intake import MarketDataIntake, MessageIntake
from transforms.log import Raw
from transforms.portfolio.reading import TradingIntake

ROSTER = str(Settings.model_fields["roster"].default)

BATCH = quotes(7, (1.0, 99.0, 1.0, 101.0, 1.0), (0.5, 98.0, 1.0, 100.0, 1.0))
FIVE_MINUTES = 300


def raw(published: int = 0, **attributes: str) -> Raw:
    return Raw(BATCH.encode(), BATCH.attributes() | attributes, published)


def test_a_batch_is_addressed_by_its_attributes_and_read() -> None:
    intake = MarketDataIntake()
    assert intake.address(raw()) == (("BTCUSDT",), at(1.0), "quote/000000000007")
    assert intake.read(raw()) == BATCH


def test_another_event_time_than_that_of_its_rows_is_refused() -> None:
    with pytest.raises(Refusal, match="and its latest row's 2024-01-15 10:00:01") as caught:
        MarketDataIntake().read(raw(event_time=from_micros(at(0.5)).isoformat()))
    assert caught.value.reason is Reason.WRONG_FIELD


@pytest.mark.parametrize(
    ("published", "is_refused"),
    [(at(1.0 - FIVE_MINUTES), False), (at(0.9 - FIVE_MINUTES), True), (at(9e6), False)],
)
def test_what_lies_in_the_future_is_refused(published: int, is_refused: bool) -> None:
    """Another's clock may run ahead of ours, but not by five minutes; a replayed day lies in the past."""
    said = said_by("ann", example(MessageType.INSIGHT).payload, desk="main", event_time=from_micros(at(1.0)))
    message = Raw(said.to_json(), {}, published)
    if is_refused:
        with pytest.raises(Refusal, match="lies in the future"):
            MarketDataIntake().read(raw(published))
        with pytest.raises(Refusal, match="lies in the future"):
            MessageIntake().address(message)
    else:
        assert MarketDataIntake().read(raw(published)) == BATCH
        assert MessageIntake().address(message) == (("main",), at(1.0), said.message_id)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(MessageType), st.data())
def test_whatever_stands_in_a_field_a_message_is_read_or_refused(
    kind: MessageType, data: st.DataObject
) -> None:
    content = orjson.loads(example(kind).to_json())
    within: dict[str, Any] = (
        content["payload"] if data.draw(st.booleans()) and content["payload"] else content
    )
    within[data.draw(st.sampled_from(sorted(within)))] = data.draw(PLAIN)
    try:
        spoilt = orjson.dumps(content)
    except orjson.JSONEncodeError:
        return  # an integer that is no JSON number, or half a character
    for intake in (MessageIntake(), CoordinationIntake(ROSTER), TradingIntake(read_roster(Path(ROSTER)))):
        for ask in (intake.address, intake.read):
            try:
                ask(Raw(spoilt, {}, 0))
            except Refusal as refusal:
                assert refusal.error


ATTRIBUTES = sorted(BATCH.attributes())
STRAY = st.text(max_size=8) | st.sampled_from(
    [JSON, "ETHUSDT", "trade", "-1", "2199-12-31T23:59:59Z", BATCH.event_time.isoformat()]
)


@given(st.dictionaries(st.sampled_from(ATTRIBUTES), STRAY, max_size=2), st.binary(max_size=4) | st.none())
def test_whatever_stands_in_an_attribute_a_batch_is_read_or_refused(
    changes: dict[str, str], end: bytes | None
) -> None:
    data = BATCH.encode() if end is None else BATCH.encode()[:-4] + end
    for ask in (MarketDataIntake().address, MarketDataIntake().read):
        try:
            ask(Raw(data, BATCH.attributes() | changes, 0))
        except Refusal as refusal:
            assert refusal.error
