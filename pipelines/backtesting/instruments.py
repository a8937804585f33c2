"""The instruments of a run: the venue's rules, or the same without its smallest sizes."""

from collections.abc import Mapping
from decimal import Decimal

from contracts.instruments import INSTRUMENTS, Instrument
from pipelines.backtesting.scenario import Costs

_SMALLEST = Decimal("1e-8")
"""What amounts are told to: a quantity times a price must not be finer."""


def instruments_under(costs: Costs) -> Mapping[str, Instrument]:
    """By symbol; without minimum sizes any quantity can be traded whose value is no finer than 1e-8."""
    if costs.minimum_sizes:
        return dict(INSTRUMENTS)
    return {symbol: _without_smallest(instrument) for symbol, instrument in INSTRUMENTS.items()}


def _without_smallest(instrument: Instrument) -> Instrument:
    lot = min(instrument.lot, _SMALLEST / instrument.tick)
    return instrument.model_copy(update={"lot": lot, "min_notional": _SMALLEST})
