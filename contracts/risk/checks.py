"""The risk checks: an ordered list of functions, each with one limit. A new check is a function here and a limit there.

Every check reads one `Case` and answers with a `Verdict`; the first that fails refuses. A check passes only on what it
can see: a missing price, an unknown agent or a number that is none is a refusal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from contracts.payloads import DeskState
from contracts.risk.book import Marked
from contracts.risk.consensus import NOBODY, Agreement
from contracts.risk.exposure import Exposure
from contracts.risk.limits import Limits
from contracts.risk.money import ZERO, exact
from contracts.risk.wish import Wish
from contracts.roster import AgentProfile


class Verdict(NamedTuple):
    """What a check says: passed or not, the reason's code, the limit and what was observed (None when it is no number)."""

    check: str
    passed: bool
    reason: str
    limit: Decimal | None = None
    observed: Decimal | None = None


ACCEPTED = Verdict("all", True, "accepted")
"""When no check refuses."""


@dataclass(frozen=True, slots=True)
class Case:
    """A wish before the risk book, with everything that a check may look at.

    Amounts are in quote currency. `exposure` counts open positions, orders in flight and this order, at their worst;
    `wish_age` is seconds of event time before the desk's clock, `mark_age` before that or the wish, whichever is later;
    `differences` counts the symbols of which the ledger says something else than the book.
    """

    wish: Wish
    limits: Limits
    killed: bool
    band: DeskState
    differences: int
    unanswered: bool
    profile: AgentProfile | None
    mark: Marked | None
    mark_age: Decimal
    wish_age: Decimal
    agent_orders: int
    desk_orders: int
    quantity: Decimal
    smallest_notional: Decimal
    wanted_notional: Decimal
    is_reducing: bool
    trade_cap: Decimal
    allocation: Decimal
    agent_equity: Decimal
    equity: Decimal
    exposure: Exposure
    agreement: Agreement = NOBODY

    @property
    def price(self) -> Decimal:
        """The mark's price; zero when there is none."""
        return self.mark.price if self.mark else ZERO


Check = Callable[[Case], Verdict]


def kill_switch(case: Case) -> Verdict:
    """Nobody has pulled the kill switch."""
    return _unless(case.killed, "kill_switch", "kill_switch_is_on")


def reconciled(case: Case) -> Verdict:
    """The execution service's ledger says of every symbol what the book says, and could be asked when the job started."""
    if case.unanswered:
        return Verdict("reconciled", False, "ledger_not_asked")
    return _at_most("reconciled", "ledger_differs", Decimal(case.differences), ZERO)


def sound(case: Case) -> Verdict:
    """Every number that the other checks go by is one."""
    return _unless(not all(number.is_finite() for number in _numbers(case)), "sound", "not_a_number")


def timely(case: Case) -> Verdict:
    """The wish is not older than `wish_stale_seconds`."""
    return _at_most("timely", "too_old", case.wish_age, Decimal(case.limits.wish_stale_seconds))


def known_agent(case: Case) -> Verdict:
    """The sender is on the roster."""
    return _unless(case.profile is None, "known_agent", "not_on_the_roster")


def preferred_assets(case: Case) -> Verdict:
    """The agent's roster entry names the symbol's base asset."""
    trades = case.profile is not None and case.profile.trades(case.wish.symbol)
    return _unless(not trades, "preferred_assets", "not_a_preferred_asset")


def fresh_price(case: Case) -> Verdict:
    """The symbol's mark is there, tradable, and not older than `mark_stale_seconds`."""
    if case.mark is None or case.price <= 0:
        return Verdict("fresh_price", False, "price_missing")
    if not case.mark.tradable:
        reason = "price_crossed" if "crossed" in case.mark.reason else "price_untradable"
        return Verdict("fresh_price", False, reason)
    return _at_most("fresh_price", "price_stale", case.mark_age, Decimal(case.limits.mark_stale_seconds))


def desk_state(case: Case) -> Verdict:
    """The drawdown bands have not halted the desk."""
    return _unless(case.band is DeskState.HALTED, "desk_state", "desk_is_halted")


def agent_order_rate(case: Case) -> Verdict:
    """With this one, the agent has at most `agent_orders_per_minute` orders in 60 seconds."""
    observed, limit = Decimal(case.agent_orders + 1), Decimal(case.limits.agent_orders_per_minute)
    return _at_most("agent_order_rate", "agent_orders_too_fast", observed, limit)


def order_rate(case: Case) -> Verdict:
    """With this one, the desk has at most `orders_per_minute` orders in 60 seconds."""
    observed, limit = Decimal(case.desk_orders + 1), Decimal(case.limits.orders_per_minute)
    return _at_most("order_rate", "orders_too_fast", observed, limit)


def tradable_size(case: Case) -> Verdict:
    """The order is at least the smallest that the venue takes; a reduce-only order has something to reduce."""
    if case.wish.reduce_only and not case.is_reducing:
        return Verdict("tradable_size", False, "nothing_to_reduce", ZERO, case.wanted_notional)
    reason = "accepted" if case.quantity > 0 else "too_small"
    return Verdict("tradable_size", case.quantity > 0, reason, case.smallest_notional, case.wanted_notional)


def stop_distance(case: Case) -> Verdict:
    """A stop that is given is on the losing side of the mark, and at most `stop_distance` away."""
    if case.wish.stop_loss is None:
        return Verdict("stop_distance", True, "accepted")
    if case.price <= 0:
        return Verdict("stop_distance", False, "price_missing")
    distance = (case.price - case.wish.stop_loss) * case.wish.side.sign / case.price
    if distance <= 0:
        return Verdict("stop_distance", False, "stop_on_the_wrong_side", case.limits.stop_distance, distance)
    return _at_most("stop_distance", "stop_too_far", distance, case.limits.stop_distance)


def target_side(case: Case) -> Verdict:
    """A target that is given is on the winning side of the mark: any other would be taken at once."""
    if case.wish.take_profit is None:
        return Verdict("target_side", True, "accepted")
    if case.price <= 0:
        return Verdict("target_side", False, "price_missing")
    distance = (case.wish.take_profit - case.price) * case.wish.side.sign / case.price
    passed = distance > 0
    return Verdict(
        "target_side", passed, "accepted" if passed else "target_on_the_wrong_side", ZERO, distance
    )


def per_trade_cap(case: Case) -> Verdict:
    """The order is worth at most `per_trade_share` of the agent's allocation (less while REDUCED)."""
    return _at_most("per_trade_cap", "above_per_trade_cap", case.quantity * case.price, case.trade_cap)


def allocation(case: Case) -> Verdict:
    """All that the agent would hold is worth at most its allocation."""
    return _at_most("allocation", "above_allocation", case.exposure.agent(case.wish.agent), case.allocation)


def leverage(case: Case) -> Verdict:
    """Neither the leverage asked for nor the agent's exposure over its own equity is above its cap in the roster."""
    limit = exact(case.profile.leverage_cap) if case.profile else ZERO
    if case.agent_equity <= 0:
        return Verdict("leverage", False, "agent_equity_is_gone", limit)
    return _at_most("leverage", "above_leverage_cap", _leverage(case), limit)


def consensus(case: Case) -> Verdict:
    """Above `consensus_leverage` or `consensus_size` the agents must agree on the order's side; off unless one is set."""
    limits, agreed = case.limits, case.agreement
    bounds = (
        (_leverage(case), limits.consensus_leverage),
        (case.quantity * case.price, limits.consensus_size and limits.consensus_size * case.equity),
    )
    if all(bound is None or worth <= bound for worth, bound in bounds):
        return Verdict("consensus", True, "accepted")
    agrees = agreed.side is case.wish.side and len(agreed.behind) >= limits.consensus_agents
    score = agreed.score if agrees else ZERO
    passed = agrees and score >= limits.consensus_score
    reason = "accepted" if passed else "consensus_too_weak" if agrees else "no_consensus"
    return Verdict("consensus", passed, reason, limits.consensus_score, score)


def symbol_gross(case: Case) -> Verdict:
    """All agents' positions in the symbol are worth at most `symbol_gross` x equity."""
    observed = case.exposure.symbol_gross(case.wish.symbol)
    return _at_most("symbol_gross", "above_symbol_gross", observed, case.limits.symbol_gross * case.equity)


def symbol_net(case: Case) -> Verdict:
    """The desk's net position in the symbol is worth at most `symbol_net` x equity."""
    observed = case.exposure.symbol_net(case.wish.symbol)
    return _at_most("symbol_net", "above_symbol_net", observed, case.limits.symbol_net * case.equity)


def desk_gross(case: Case) -> Verdict:
    """All positions are worth at most `desk_gross` x equity."""
    return _at_most(
        "desk_gross", "above_desk_gross", case.exposure.desk_gross(), case.limits.desk_gross * case.equity
    )


def desk_net(case: Case) -> Verdict:
    """Long minus short positions are worth at most `desk_net` x equity."""
    return _at_most(
        "desk_net", "above_desk_net", case.exposure.desk_net(), case.limits.desk_net * case.equity
    )


CHECKS: tuple[Check, ...] = (
    sound,
    kill_switch,
    reconciled,
    timely,
    known_agent,
    preferred_assets,
    fresh_price,
    desk_state,
    agent_order_rate,
    order_rate,
    tradable_size,
    stop_distance,
    target_side,
    per_trade_cap,
    allocation,
    leverage,
    consensus,
    symbol_gross,
    symbol_net,
    desk_gross,
    desk_net,
)
"""In this order, always."""

SPARE_REDUCING: frozenset[Check] = frozenset(
    {
        reconciled,
        desk_state,
        stop_distance,
        target_side,
        per_trade_cap,
        allocation,
        leverage,
        consensus,
        symbol_gross,
        symbol_net,
        desk_gross,
        desk_net,
    }
)
"""What an order that only makes its agent's position smaller need not pass."""


def refusals(case: Case) -> list[Verdict]:
    """Every check that refuses the case, in their order; none means accepted. Without sound numbers no other is asked."""
    if not (first := sound(case)).passed:
        return [first]
    asked = (check for check in CHECKS if not (case.is_reducing and check in SPARE_REDUCING))
    return [verdict for verdict in (check(case) for check in asked) if not verdict.passed]


def judge(case: Case) -> Verdict:
    """The first refusal, or `ACCEPTED`."""
    for check in CHECKS:
        if case.is_reducing and check in SPARE_REDUCING:
            continue
        verdict = check(case)
        if not verdict.passed:
            return verdict
    return ACCEPTED


def _leverage(case: Case) -> Decimal:
    """What the wish asks for, or what its agent would then have over its equity, whichever is more."""
    if case.agent_equity <= 0:
        return case.wish.leverage
    return max(case.wish.leverage, case.exposure.agent(case.wish.agent) / case.agent_equity)


def _numbers(case: Case) -> tuple[Decimal, ...]:
    given = (case.wish.stop_loss, case.wish.take_profit, case.wish.notional, case.wish.size_fraction)
    return (
        *(number for number in given if number is not None),
        case.wish.leverage,
        case.price,
        case.quantity,
        case.wanted_notional,
        case.trade_cap,
        case.allocation,
        case.agent_equity,
        case.equity,
    )


def _unless(refused: bool, check: str, reason: str) -> Verdict:
    return Verdict(check, not refused, reason if refused else "accepted")


def _at_most(check: str, reason: str, observed: Decimal, limit: Decimal) -> Verdict:
    """Passes when both are numbers and `observed` is not above `limit`."""
    passed = observed.is_finite() and limit.is_finite() and observed <= limit
    return Verdict(check, passed, "accepted" if passed else reason, limit, observed)
