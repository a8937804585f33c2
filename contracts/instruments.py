"""The instruments that the desk trades: linear perpetual futures, named as the venue names them."""

from decimal import ROUND_DOWN, Decimal

from contracts.model import Contract, Name, Price, Quantity


class Instrument(Contract):
    """One perpetual contract and the venue's rules for it.

    Prices are multiples of `tick`, quantities of `lot`, and an order is worth at least `min_notional` (quote currency).
    """

    symbol: Name
    base: Name
    quote: Name = "USDT"
    tick: Price
    lot: Quantity
    min_notional: Price

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """The largest tradable quantity not above `quantity`; zero when that is less than one lot."""
        return (quantity / self.lot).to_integral_value(ROUND_DOWN) * self.lot


def _perpetual(base: str, tick: str, lot: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USDT", base=base, tick=Decimal(tick), lot=Decimal(lot), min_notional=Decimal(5)
    )


INSTRUMENTS: dict[str, Instrument] = {
    instrument.symbol: instrument
    for instrument in (
        _perpetual("BTC", "0.1", "0.001"),
        _perpetual("ETH", "0.01", "0.001"),
        _perpetual("SOL", "0.001", "0.01"),
        _perpetual("AVAX", "0.001", "0.1"),
        _perpetual("ARB", "0.0001", "1"),
        _perpetual("SUI", "0.0001", "0.1"),
    )
}
"""By symbol."""
