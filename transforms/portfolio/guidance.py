"""Guidance: what the portfolio tells one agent: what it has, what it may do, what to favour, and why."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from contracts.controls import Goal
from contracts.instruments import INSTRUMENTS
from contracts.payloads import DeskState, Guidance
from contracts.risk.money import ZERO, told
from contracts.risk.sizing import per_trade_cap, smallest_quantity
from contracts.risk.standing import RiskStanding
from contracts.roster import AgentProfile
from transforms.portfolio.goals import Merit

_SYMBOLS = {instrument.base: symbol for symbol, instrument in INSTRUMENTS.items()}


class Reasons(NamedTuple):
    """Why an agent's share is what it is: before and now, its merit beside the others', the optimizer's tilt."""

    share_before: Decimal
    share: Decimal
    merit: Merit
    tilt: float


def guidance_of(
    profile: AgentProfile,
    goal: Goal,
    standing: RiskStanding,
    views: Mapping[str, Decimal],
    reasons: Reasons,
) -> Guidance:
    """What one agent is told; `views` are the optimizer's, by symbol."""
    capital, state = standing.allotments.of(profile.agent), standing.state
    remaining = max(ZERO, capital - standing.exposure.agent(profile.agent))
    cap = per_trade_cap(capital, state, standing.limits.now)
    ranked = _ranked(profile, goal, standing, views)
    favour = tuple(asset for asset in ranked if _smallest(standing, asset) <= cap)
    free = f"{remaining:.2f} of your {capital:.2f} USDT are free"
    if state is DeskState.HALTED:
        may = f"The desk is halted: only orders that reduce a position can pass; {free}."
    else:
        first = f"favour {', '.join(favour)}, in this order" if favour else "that is too little to trade"
        may = f"One order may be worth up to {cap:.2f} USDT; {first}; {free}."
        may += "".join(
            f" The smallest in {asset} is {_smallest(standing, asset):.2f}."
            for asset in ranked
            if asset not in favour
        )
    return Guidance(
        agent=profile.agent,
        role=profile.role,
        goal=goal,
        capital=told(capital),
        remaining=told(remaining),
        favour=favour,
        text=" ".join([may, _why_favoured(goal, standing, views), _why_so_much(goal, reasons)]),
    )


def _ranked(
    profile: AgentProfile, goal: Goal, standing: RiskStanding, views: Mapping[str, Decimal]
) -> tuple[str, ...]:
    """The agent's assets, what serves the goal best first; in the order of the roster where nothing tells them apart.

    volatility_harvesting: the most volatile. consistent and risk-adjusted returns: the calmest. market_neutral: where
    the desk is farthest from neutral. maximum_profit: where the optimizer's view is strongest.
    """

    def volatility(symbol: str) -> Decimal:
        return standing.volatility.of(symbol).volatility or standing.limits.now.assumed_volatility

    ranks: dict[Goal, Callable[[str], Decimal]] = {
        Goal.VOLATILITY_HARVESTING: lambda symbol: -volatility(symbol),
        Goal.CONSISTENT_RETURNS: volatility,
        Goal.RISK_ADJUSTED_RETURNS: volatility,
        Goal.MARKET_NEUTRAL: lambda symbol: -abs(_net(standing, symbol)),
        Goal.MAXIMUM_PROFIT: lambda symbol: -abs(views.get(symbol, ZERO)),
    }
    known = [asset for asset in profile.preferred_assets if asset in _SYMBOLS]
    return tuple(sorted(known, key=lambda asset: ranks[goal](_SYMBOLS[asset])))


def _why_favoured(goal: Goal, standing: RiskStanding, views: Mapping[str, Decimal]) -> str:
    if goal is Goal.MARKET_NEUTRAL:
        net = standing.book.net_exposure
        if not net or standing.book.equity <= 0:
            return "The desk is neutral: keep it so."
        side, way = ("SELL", "long") if net > 0 else ("BUY", "short")
        return (
            f"The desk is {abs(net) / standing.book.equity:.1%} of its equity {way}: {side} brings it back."
        )
    if goal is Goal.VOLATILITY_HARVESTING:
        return "The most volatile come first."
    if goal in (Goal.CONSISTENT_RETURNS, Goal.RISK_ADJUSTED_RETURNS):
        return "The calmest come first."
    wanted = ", ".join(
        f"{symbol} {'long' if strength > 0 else 'short'} ({abs(strength):.2f})"
        for symbol, strength in sorted(views.items())
    )
    return f"The optimizer wants {wanted}." if wanted else "The optimizer has no view."


def _why_so_much(goal: Goal, reasons: Reasons) -> str:
    share, before, merit = reasons.share, reasons.share_before, reasons.merit
    was = "as before" if share == before else f"{before:.1%} before"
    told_share = f"Your share of the active capital is {share:.1%} ({was})"
    if merit.samples < 1:
        return f"{told_share}: nothing is known of your performance yet."
    beside = f"{merit.over_mean:+.2f} beside the desk's mean"
    tilt = f"; the optimizer's views make it {reasons.tilt - 1:+.1%}" if reasons.tilt != 1 else ""
    return (
        f"{told_share}: towards {goal} you score {merit.score:+.2f}, {beside}, "
        f"after costs over {merit.samples:.0f} samples{tilt}."
    )


def _smallest(standing: RiskStanding, asset: str) -> Decimal:
    """What the smallest order in an asset is worth; zero while its price is not known."""
    symbol = _SYMBOLS[asset]
    price = standing.book.price(symbol)
    return smallest_quantity(standing.instruments[symbol], price) * price if price > 0 else ZERO


def _net(standing: RiskStanding, symbol: str) -> Decimal:
    held = (holding.quantity for _, name, holding in standing.book.holdings() if name == symbol)
    return sum(held, ZERO) * standing.book.price(symbol)
