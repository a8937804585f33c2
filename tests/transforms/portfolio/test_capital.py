"""The orchestrator on the desk: when the capital is rebalanced, and what follows."""

from decimal import Decimal
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.controls import Goal
from contracts.message import Message
from contracts.risk.limits import Limits
from contracts.roster import Role
from contracts.rows.trading import AllocationRow, PortfolioRow
from tests.transforms.portfolio.desk_log import (
    BTC,
    ETH,
    ROSTER,
    Player,
    control,
    desk,
    mark,
    order_id,
    proposal,
    rows,
    said,
    step,
)
from transforms.core import Output
from transforms.portfolio.desk import Desk

D = Decimal


def shares(outputs: list[Output]) -> dict[str, float]:
    return {row.agent: row.share for row in rows(AllocationRow, outputs)}


def rebalance(outputs: list[Output]) -> Message:
    (message,) = said("PORTFOLIO_REBALANCE", outputs)
    return message


def bought(seconds: float, agent: str, quantity: str, price: str) -> Message:
    name = f"{agent}-{seconds}"
    return step(seconds, order_id(name), 1, "FILLED", agent, BTC, "BUY", quantity, (quantity, price, "0"))


def test_a_goal_moves_the_capital_in_steps_of_the_turnover() -> None:
    """Neutral wants alpha (momentum) x 0.5 and beta (market maker) x 1.5: 0.75 and 0.25 become 0.5 and 0.5.

    0.375 z and 0.375 z add up to 1, and half of it is twice beta's base. 0.25 change hands, 0.1 at once: 0.65, 0.55, 0.5.
    """
    play = Player(desk())
    play(mark(0, BTC, "40000"))
    goal = play(control(10, "goal", goal=Goal.MARKET_NEUTRAL))
    assert shares(goal) == {"alpha": 0.65, "beta": 0.35}
    told = rebalance(goal).payload
    assert (told.reason, told.goal) == ("goal set to market_neutral by ada", Goal.MARKET_NEUTRAL)
    assert told.targets == {"alpha": D("0.5"), "beta": D("0.5")}
    assert (told.turnover, told.drift) == (0.1, 0.0)
    assert told.allocations == {"alpha": D(52_000), "beta": D(28_000)}
    (risk,) = said("RISK_UPDATE", goal)
    assert risk.payload.alerts == ("the capital is rebalanced: goal set to market_neutral by ada",)
    assert shares(play(mark(1_800, BTC, "40000"))) == {"alpha": 0.55, "beta": 0.45}
    assert shares(play(mark(3_600, BTC, "40000"))) == {"alpha": 0.5, "beta": 0.5}
    assert rebalance(play(mark(5_400, BTC, "40000"))).payload.turnover == 0.0


def test_a_drift_out_of_the_band_is_rebalanced_at_once() -> None:
    """Alpha's 1 BTC make 10,000: 70,000 of 90,000 are 77.8 % and not 75 %."""
    play = Player(desk())
    play(mark(0, BTC, "40000"), bought(1, "alpha", "1", "40000"))
    calm = play(mark(60, BTC, "45000"))
    assert rows(AllocationRow, calm) == []
    (now,) = rows(PortfolioRow, calm)
    alpha, beta = now.allocations
    assert (alpha.agent, alpha.equity) == ("alpha", D(65_000))
    assert alpha.allocation_pct == pytest.approx(100 * 65_000 / 105_000)
    assert alpha.target_pct == pytest.approx(100 * 0.75 * 85_000 / 105_000)
    assert alpha.drift_pct == -beta.drift_pct == pytest.approx(100 * (65 / 85 - 0.75))
    far = play(mark(120, BTC, "50000"))
    told = rebalance(far).payload
    assert (told.reason, round(told.drift, 4)) == ("a drift of 2.78%", 0.0278)
    assert told.allocations == {"alpha": D(66_000), "beta": D(22_000)}
    assert rows(AllocationRow, play(mark(180, BTC, "50000"))) == []


def test_who_earns_gets_more_and_hears_why() -> None:
    """Alpha earns with 0.2 BTC from minute to minute, beta does nothing; after half an hour the timer tells."""
    play = Player(desk(Limits(performance_prior_samples=10)))
    play(mark(0, BTC, "40000"), bought(1, "alpha", "0.2", "40000"))
    prices = [40_000 + 20 * minute + (15 if minute % 2 else 0) for minute in range(1, 30)]
    play(*(mark(60 * minute, BTC, str(price)) for minute, price in enumerate(prices, 1)))
    outputs = play(mark(1_800, BTC, "40600"))
    alpha, beta = rows(AllocationRow, outputs)
    assert (alpha.reason, alpha.target_share > 0.8, alpha.share > 0.8) == ("the timer", True, True)
    assert (alpha.performance_factor > 1 > beta.performance_factor, alpha.tilt_factor) == (True, 1.0)
    assert alpha.samples == pytest.approx(29, abs=0.1)
    guidance = said("GUIDANCE", outputs)[0].payload
    assert f"Your share of the active capital is {alpha.share:.1%} (75.0% before): towards " in guidance.text
    assert f"maximum_profit you score {alpha.score:+.2f}, " in guidance.text
    assert guidance.text.endswith("after costs over 29 samples.")


def test_the_neutral_desk_says_which_side_is_wanted() -> None:
    play = Player(desk())
    play(mark(0, BTC, "40000"), mark(0, ETH, "2000"), bought(1, "alpha", "0.5", "40000"))
    guidance = said("GUIDANCE", play(control(2, "goal", goal=Goal.MARKET_NEUTRAL)))[0].payload
    assert "The desk is 20.0% of its equity long: SELL brings it back." in guidance.text
    assert guidance.favour == ("BTC", "ETH")
    assert (guidance.capital, guidance.remaining) == (D(52_000), D(32_000))


@pytest.mark.parametrize(
    ("goal", "favour"),
    [
        (Goal.VOLATILITY_HARVESTING, ("ETH", "BTC")),
        (Goal.CONSISTENT_RETURNS, ("BTC", "ETH")),
        (Goal.RISK_ADJUSTED_RETURNS, ("BTC", "ETH")),
        (Goal.MAXIMUM_PROFIT, ("BTC", "ETH")),
    ],
)
def test_what_to_favour_follows_from_the_goal(goal: Goal, favour: tuple[str, ...]) -> None:
    play = Player(desk())
    play(mark(0, BTC, "40000", volatility=0.02), mark(0, ETH, "2000", volatility=0.04))
    assert said("GUIDANCE", play(control(2, "goal", goal=goal)))[0].payload.favour == favour


def test_a_halted_desk_says_so_first() -> None:
    play = Player(desk())
    play(mark(0, BTC, "40000"), control(1, "kill"))
    text = said("GUIDANCE", play(mark(1_800, BTC, "40000")))[0].payload.text
    assert text.startswith(
        "The desk is halted: only orders that reduce a position can pass; 60000.00 of your"
    )


moves = st.lists(st.integers(-300, 300), min_size=5, max_size=60)


@settings(max_examples=25)
@given(moves, st.sampled_from(Goal), st.booleans())
def test_whatever_happens_the_shares_add_up_within_their_bounds(
    moves: list[int], goal: Goal, bets: bool
) -> None:
    play = Player(desk(Limits(performance_prior_samples=1)))
    outputs = play(mark(0, BTC, "40000"), bought(1, "alpha" if bets else "beta", "0.5", "40000"))
    outputs += play(control(2, "goal", goal=goal))
    price = 40_000
    for minute, move in enumerate(moves, 1):
        price += move
        outputs += play(mark(600 * minute, BTC, str(price)))
    for message in said("PORTFOLIO_REBALANCE", outputs):
        told = message.payload
        assert sum(told.targets.values()) == 1
        assert D("0.8") * told.equity - D("0.02") <= sum(told.allocations.values()) <= D("0.8") * told.equity
        assert told.turnover <= 0.10 + 1e-6
        assert D("0.375") <= told.targets["alpha"] <= 1
        assert D("0.125") <= told.targets["beta"] <= D("0.5")


def test_a_proposal_of_who_is_no_optimizer_tilts_nothing() -> None:
    play = Player(desk())
    outputs = play(mark(0, BTC, "40000"), proposal(1, "d", "alpha", BTC, "BUY"), mark(1_800, BTC, "40000"))
    assert {row.tilt_factor for row in rows(AllocationRow, outputs)} == {1.0}


def test_an_optimizers_proposal_tilts_until_its_horizon_ends() -> None:
    """Gamma wants BTC for ten minutes; alpha is long 20,000 of its capital, gamma holds what it wants itself."""
    gamma = ROSTER.agents[0].model_copy(update={"agent": "gamma", "role": Role.PORTFOLIO_OPTIMIZER})
    play = Player(Desk("main", ROSTER.model_copy(update={"agents": (*ROSTER.agents, gamma)}), Limits()))
    play(mark(0, BTC, "40000"), bought(1, "alpha", "0.5", "40000"), bought(1, "gamma", "0.5", "40000"))
    play(mark(1_700, BTC, "40000"), proposal(1_750, "g", "gamma", BTC, "BUY", 1.0, 0.8))
    outputs = play(mark(1_800, BTC, "40000"))
    tilts = {row.agent: row.tilt_factor for row in rows(AllocationRow, outputs)}
    assert (tilts["beta"], tilts["gamma"]) == (1.0, 1.0)
    assert 1.2 < tilts["alpha"] < exp(0.2)
    text = said("GUIDANCE", outputs)[0].payload.text
    assert "The optimizer wants BTCUSDT long (0.80)." in text
    later = play(mark(3_600, BTC, "40000"))
    assert {row.tilt_factor for row in rows(AllocationRow, later)} == {1.0}
