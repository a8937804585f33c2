"""The instruments of a run: the venue's rules, or the same without its smallest sizes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from contracts.instruments import INSTRUMENTS, Instrument
from pipelines.backtesting.scenario import Costs

_SMALLEST = Decimal("0.00000001")


def instruments_under(costs: Costs) -> Mapping[str, Instrument]:
    """By symbol; without minimum sizes any amount from 1e-8 on can be traded."""
    if costs.minimum_sizes:
        return dict(INSTRUMENTS)
    return {symbol: _without_smallest(instrument) for symbol, instrument in INSTRUMENTS.items()}


@contextmanager
def instruments_in_force(costs: Costs) -> Iterator[None]:
    """Let every core see the run's instruments: they look them up where the contracts have them, and nowhere else."""
    usual = dict(INSTRUMENTS)
    INSTRUMENTS.update(instruments_under(costs))
    try:
        yield
    finally:
        INSTRUMENTS.update(usual)


def _without_smallest(instrument: Instrument) -> Instrument:
    return instrument.model_copy(update={"lot": _SMALLEST, "min_notional": _SMALLEST})
