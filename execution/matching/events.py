"""What the core tells: plain values, in the order in which they happened. Amounts are units, money is units of money."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The order arrived and is the venue's now."""

    micros: int
    account: str
    client_order_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The order was not taken; it traded nothing."""

    micros: int
    account: str
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Triggered:
    """The price that a conditional order waited for was there: it is a market order from now on."""

    micros: int
    account: str
    client_order_id: str
    price: int


@dataclass(frozen=True, slots=True)
class Filled:
    """One trade of an order: the `number`th, from 1. `remaining` is what is left of the order behind it.

    `fee` is money, negative when it is a rebate.
    """

    micros: int
    account: str
    client_order_id: str
    symbol: str
    sign: int
    price: int
    quantity: int
    fee: int
    is_maker: bool
    number: int
    remaining: int

    @property
    def trade_id(self) -> str:
        """The trade's name: the same in every replay."""
        return f"{self.client_order_id}-{self.number}"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The order ended on request, or with its account's liquidation."""

    micros: int
    account: str
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Expired:
    """What was left of the order ended by its own terms."""

    micros: int
    account: str
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Funded:
    """A position paid (amount < 0) or got (> 0) funding: quantity x mark x rate."""

    micros: int
    account: str
    symbol: str
    amount: int
    quantity: int
    mark: int
    rate: int


@dataclass(frozen=True, slots=True)
class Liquidated:
    """The account's equity fell below its maintenance margin: its orders are cancelled and its positions closed.

    What follows are the trades of orders that the venue made itself, under ids that begin with `liquidation-`.
    """

    micros: int
    account: str
    equity: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class Covered:
    """The insurance fund paid what a liquidation left the account owing."""

    micros: int
    account: str
    amount: int


Event = Accepted | Rejected | Triggered | Filled | Cancelled | Expired | Funded | Liquidated | Covered
