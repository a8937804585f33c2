"""How symbols move, as their marks tell it."""

from decimal import Decimal

from contracts.payloads import Mark
from contracts.risk.volatility import Moves, Volatility

D = Decimal


def mark(symbol: str, volatility: float | None, atr: float | None) -> Mark:
    return Mark(symbol=symbol, price=D(1), volatility=volatility, atr=atr)


def test_the_last_that_was_told_counts() -> None:
    known = Volatility()
    assert known.of("BTCUSDT") == Moves(None, None)
    assert known.mean is None
    known.hear(mark("BTCUSDT", 0.02, 25.0))
    known.hear(mark("ETHUSDT", 0.04, None))
    known.hear(mark("BTCUSDT", None, 30.0))
    known.hear(mark("SOLUSDT", None, None))
    assert known.of("BTCUSDT") == Moves(D("0.02"), D("30.0"))
    assert known.of("ETHUSDT") == Moves(D("0.04"), None)
    assert known.mean == 0.03


def test_it_goes_on_from_its_state() -> None:
    known = Volatility()
    known.hear(mark("BTCUSDT", 0.02, None))
    assert Volatility.load(known.dump()).dump() == known.dump() == {"BTCUSDT": ["0.02", None]}
