"""The core's whole state as JSON, and back."""

import json
from heapq import heapify
from typing import TYPE_CHECKING, Any

from execution.matching.account import Account, Position
from execution.matching.errand import Errand
from execution.matching.pit import Pit
from execution.matching.working import Place, Working

if TYPE_CHECKING:
    from execution.matching.core import MatchingCore

FORMAT = 1


def dump(core: "MatchingCore") -> bytes:
    """Equal states give equal bytes."""
    errands = [
        [errand.due, errand.number, errand.working is not None, errand.account, errand.client_order_id]
        for errand in sorted(core.errands, key=lambda errand: errand[:2])
        if errand.working is None or errand.working.place is not Place.GONE
    ]
    state = {
        "format": FORMAT,
        "now": core.clearing.now,
        "number": core.number,
        "funding_at": core.funding.at,
        "due": core.due,
        "accounts": [_account_state(account) for account in core.accounts.values()],
        "touched": list(core.clearing.touched),
        "errands": errands,
        "pits": {symbol: _pit_state(pit) for symbol, pit in core.pits.items()},
    }
    # Not orjson: money has more than 64 bits.
    return json.dumps(state, separators=(",", ":")).encode()


def restore(core: "MatchingCore", state: bytes) -> None:
    """Make a new core what the dumped one was; raises ValueError when it is of another format."""
    content = json.loads(state)
    if content["format"] != FORMAT:
        raise ValueError(f"a state of format {content['format']}; this core reads {FORMAT}")
    core.clearing.now, core.number, core.due = content["now"], content["number"], content["due"]
    core.funding.at = content["funding_at"]
    core.accounts = {}
    for told in content["accounts"]:
        account = _account_from(told)
        core.accounts[account.name] = account
    core.clearing.touched = {name: core.accounts[name] for name in content["touched"]}
    working_of = {w.number: w for account in core.accounts.values() for w in account.orders.values()}
    core.errands = [
        Errand(due, number, working_of[number] if is_order else None, account, identifier)
        for due, number, is_order, account, identifier in content["errands"]
    ]
    heapify(core.errands)
    for symbol, told in content["pits"].items():
        _restore_pit(core.pits[symbol], told, core.accounts, working_of)


def _account_state(account: Account) -> list[Any]:
    positions = [
        [symbol, held.quantity, held.cost, held.realised, held.fees, held.funding]
        for symbol, held in account.positions.items()
    ]
    money = [account.wallet, account.deposited, account.covered, account.liquidations]
    orders = [working.state() for working in account.orders.values()]
    return [account.name, money, positions, account.bands, orders]


def _account_from(state: list[Any]) -> Account:
    name, money, positions, bands, orders = state
    account = Account(name, *money)
    account.positions = {symbol: Position(*held) for symbol, *held in positions}
    account.bands = {symbol: (low, high) for symbol, (low, high) in bands.items()}
    for told in orders:
        account.take(Working.taken_up(account, told))
    return account


def _pit_state(pit: Pit) -> list[Any]:
    numbers = [[working.number for working in group] for group in (pit.bids, pit.asks, pit.waiting)]
    return [pit.market.state(), numbers, list(pit.holders), [pit.low, pit.high]]


def _restore_pit(
    pit: Pit, state: list[Any], accounts: dict[str, Account], working_of: dict[int, Working]
) -> None:
    market, (bids, asks, waiting), holders, (pit.low, pit.high) = state
    pit.market.take_up(market)
    for number in bids + asks:
        pit.resting(working_of[number].sign).rest(working_of[number])
    for number in waiting:
        pit.waiting.take_up(working_of[number])
    pit.holders = {name: accounts[name] for name in holders}
