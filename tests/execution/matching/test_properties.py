"""What holds for every tape of market events and orders."""

from collections import defaultdict
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.orders import OrderType, TimeInForce
from execution.matching.core import MatchingCore
from execution.matching.events import (
    Accepted,
    Cancelled,
    Covered,
    Event,
    Expired,
    Filled,
    Funded,
    Liquidated,
    Rejected,
    Triggered,
)
from execution.matching.order import Order
from execution.matching.terms import Terms
from execution.matching.units import money, money_of
from tests.execution.matching.tape import (
    ACCOUNTS,
    DEPOSIT,
    SYMBOLS,
    TAPES,
    TERMS,
    Call,
    Tape,
    call,
    new_core,
    play,
)

Played = list[tuple[Call, list[Event]]]

EXAMPLES = settings(max_examples=120)


def events_of(played: Played) -> list[Event]:
    return [event for _, events in played for event in events]


@EXAMPLES
@given(TAPES)
def test_an_orders_life_keeps_to_its_terms(tape: Tape) -> None:
    played = play(new_core(), tape)
    alive: dict[tuple[str, str], Order] = {}
    filled: dict[tuple[str, str], int] = defaultdict(int)
    held: dict[tuple[str, str], int] = defaultdict(int)
    fired, takers = set(), set()
    for (name, details), events in played:
        if name == "submit":
            alive[details[0], details[1].client_order_id] = details[1]
        for event in events:
            if not isinstance(event, Accepted | Rejected | Triggered | Filled | Cancelled | Expired):
                continue
            key = event.account, event.client_order_id
            order = alive.get(key)
            if isinstance(event, Filled):
                before = held[event.account, event.symbol]
                after = held[event.account, event.symbol] = before + event.sign * event.quantity
                filled[key] += event.quantity
                assert event.quantity > 0 and event.price > 0
                if event.client_order_id.startswith("liq-"):
                    assert abs(after) < abs(before) and before * after >= 0
                    continue
                assert order is not None, "a trade of an order that had ended"
                assert filled[key] + event.remaining == order.quantity
                assert (event.symbol, event.sign) == (order.symbol, order.sign)
                if order.limit:
                    assert (event.price - order.limit) * order.sign <= 0
                    assert not event.is_maker or event.price == order.limit
                if order.reduce_only:
                    assert abs(after) < abs(before) and before * after >= 0
                if order.type.is_conditional:
                    assert key in fired and not event.is_maker
                if not event.is_maker:
                    takers.add(key)
                if not event.remaining:
                    assert alive.pop(key)
            elif isinstance(event, Triggered):
                fired.add(key)
            elif isinstance(event, Rejected):
                assert not filled[key]
                alive.pop(key)
            elif isinstance(event, Cancelled | Expired) and not event.client_order_id.startswith("liq-"):
                order = alive.pop(key)
                if order.type is OrderType.LIMIT and order.time_in_force is TimeInForce.FOK:
                    assert filled[key] == 0
                if order.type is OrderType.LIMIT and order.time_in_force is TimeInForce.GTX:
                    assert key not in takers


@EXAMPLES
@given(TAPES)
def test_positions_are_the_fills_and_money_is_conserved(tape: Tape) -> None:
    core = new_core()
    played = play(core, tape)
    for account in ACCOUNTS:
        events = [event for event in events_of(played) if event.account == account]
        fills = [event for event in events if isinstance(event, Filled)]
        wallet = unrealised = realised = 0
        for symbol in SYMBOLS:
            position = core.position(account, symbol)
            here = [fill for fill in fills if fill.symbol == symbol]
            assert position.quantity == sum(fill.sign * fill.quantity for fill in here)
            assert position.realised - position.cost == -sum(f.sign * f.quantity * f.price for f in here)
            assert position.fees == sum(fill.fee for fill in here)
            wallet += position.realised - position.fees + position.funding
            unrealised += position.unrealised(core.pits[symbol].market.mark)
            realised += position.realised
        funding = sum(event.amount for event in events if isinstance(event, Funded))
        covered = sum(event.amount for event in events if isinstance(event, Covered))
        deposited = money(DEPOSIT)
        assert core.equity(account) - deposited == (
            realised + unrealised - sum(fill.fee for fill in fills) + funding + covered
        )
        assert core.balance(account).wallet == money_of(deposited + wallet + covered)


@EXAMPLES
@given(TAPES)
def test_resting_orders_trade_no_more_than_the_market_did(tape: Tape) -> None:
    played = play(new_core(), tape)
    for (name, details), events in played:
        made = sum(event.quantity for event in events if isinstance(event, Filled) and event.is_maker)
        if name == "on_trade":
            by_side = [
                sum(e.quantity for e in events if isinstance(e, Filled) and e.is_maker and e.sign == sign)
                for sign in (1, -1)
            ]
            assert max(by_side) <= details[2]
        if name in ("submit", "cancel", "advance", "on_mark"):
            assert made == 0


@EXAMPLES
@given(TAPES)
def test_who_is_above_maintenance_is_left_alone_and_who_is_below_is_not(
    tape: Tape,
) -> None:
    core = new_core()
    played = play(core, tape)
    for event in events_of(played):
        if isinstance(event, Liquidated):
            assert event.equity < event.maintenance
    for account in ACCOUNTS:
        holder = core.accounts[account]
        margin = core._margin
        assert margin is not None
        closable = [
            next(iter(core.pits[s].market.offers(-1 if p.quantity > 0 else 1)), None)
            for s, p in holder.positions.items()
            if p.quantity
        ]
        if margin.equity(holder) < margin.maintenance(holder):
            assert not all(closable)


@EXAMPLES
@given(TAPES, st.integers(0, 150))
def test_a_core_that_was_dumped_and_restored_goes_on_as_if_nothing_was(tape: Tape, cut: int) -> None:
    whole = new_core()
    played = play(whole, tape)
    core, again = new_core(), []
    for number, (micros, step) in enumerate(tape):
        if number == cut:
            state = core.dump()
            core = MatchingCore({symbol: core.pits[symbol].instrument for symbol in SYMBOLS}, TERMS)
            core.restore(state)
            assert core.dump() == state
        again.append((step, call(core, micros, *step)))
    assert again == played
    assert core.dump() == whole.dump()


@EXAMPLES
@given(TAPES)
def test_the_same_tape_gives_the_same_events(tape: Tape) -> None:
    assert play(new_core(), tape) == play(new_core(), tape)


@EXAMPLES
@given(TAPES)
def test_no_trade_between_the_triggers_makes_anything_happen(tape: Tape) -> None:
    terms = Terms(order_latency=timedelta(0), funding_rate=TERMS.funding_rate, margin=TERMS.margin)
    core = new_core(terms)
    for micros, (name, details) in tape:
        core.advance(micros - 1)
        if name == "on_trade":
            low, high = core.next_triggers(details[0])
            quiet = low < details[1] < high
            assert not (call(core, micros, name, details) and quiet)
        else:
            call(core, micros, name, details)
