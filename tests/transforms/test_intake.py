"""What the market-data intake refuses beyond what cannot be read."""

import pytest

from contracts.refusals import Reason, Refusal
from contracts.time import from_micros
from tests.transforms.market.batches import at, quotes
from transforms.intake import MarketDataIntake
from transforms.log import Raw

BATCH = quotes(7, (1.0, 99.0, 1.0, 101.0, 1.0), (0.5, 98.0, 1.0, 100.0, 1.0))
HOUR = 3_600


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
    ("published", "is_refused"), [(at(1.0 - HOUR), False), (at(0.9 - HOUR), True), (at(9e6), False)]
)
def test_what_lies_in_the_future_is_refused(published: int, is_refused: bool) -> None:
    """The exchange's clock may run ahead of ours, but not by an hour; a replayed day lies in the past."""
    if is_refused:
        with pytest.raises(Refusal, match="lies in the future"):
            MarketDataIntake().read(raw(published))
    else:
        assert MarketDataIntake().read(raw(published)) == BATCH
