from bisect import bisect_right
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from contracts.backtest import BacktestResult
from contracts.instruments import INSTRUMENTS
from contracts.message import Message
from contracts.payloads import DeskState, OrderStatus
from contracts.topics import Topic
from execution.brackets import MOST_ENTRIES
from pipelines.backtesting.data import DataSpec, open_data
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.parameter_sets import applied
from pipelines.backtesting.run import run_scenario
from pipelines.backtesting.scenario import Scenario
from tests.pipelines.backtesting.worlds import (
    HEADER,
    START,
    bar_line,
    roster,
    scenario,
    spec_of,
    write_bars,
    write_stream,
)

MINUTES = 45
QUICK = {f"agents.{profile.agent}.cadence_seconds": 5 for profile in roster().agents} | {
    "market.snapshot_seconds": 1,
    "timing.order_ms": 40,
}


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bars(tmp_path_factory.mktemp("bars"), MINUTES)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stream(tmp_path_factory.mktemp("stream"), 60)


@pytest.fixture(scope="module")
def on_bars(bars: Path) -> BacktestResult:
    return run_scenario(spec_of(bars), scenario())


@pytest.fixture(scope="module")
def on_stream(stream: Path) -> BacktestResult:
    return run_scenario(spec_of(stream), quick())


@pytest.fixture(scope="module")
def until_funding(tmp_path_factory: pytest.TempPathFactory) -> BacktestResult:
    """On bars whose last one closes at the moment at which funding is paid, 08:00."""
    bars = write_bars(tmp_path_factory.mktemp("funding"), MINUTES, first=8 * 60 - MINUTES)
    return run_scenario(spec_of(bars), scenario())


def quick() -> Scenario:
    return applied(scenario(), "quick", QUICK)


def agree(total: Decimal, *parts: Decimal) -> bool:
    """Whether parts add up to a total, each of them told to eight places."""
    return abs(sum(parts, Decimal(0)) - total) <= Decimal("1e-8") * len(parts)


def test_the_desk_trades_and_is_told_of_it(on_bars: BacktestResult) -> None:
    assert len(on_bars.fills) > 10
    assert {fill.reason for fill in on_bars.fills} >= {"entry"}
    assert on_bars.communication.delivered > 0
    assert on_bars.communication.critical_throttled == 0
    asked = {outcome.agent: outcome.asked for outcome in on_bars.agents}
    assert asked["deepseek-v3"] == MINUTES
    assert asked["freqtrade-hft"] == 0


def test_two_runs_give_the_same_bytes(bars: Path, on_bars: BacktestResult) -> None:
    assert run_scenario(spec_of(bars), scenario()).to_json() == on_bars.to_json()


def test_a_run_leaves_the_venues_rules_to_other_runs(bars: Path) -> None:
    """Another run may go on beside it in the same process."""
    usual, seen = dict(INSTRUMENTS), []

    def looks(micros: int, topic: Topic, message: Message) -> None:
        seen.append(usual == INSTRUMENTS)

    result = run_scenario(spec_of(bars), scenario().without("minimum_sizes"), observer=looks)
    assert all(seen)
    assert any(fill.quantity % usual[fill.symbol].lot for fill in result.fills)


@pytest.mark.parametrize("world", ["bars", "stream"])
def test_every_event_and_those_that_matter_give_the_same_bytes(
    world: str, request: pytest.FixtureRequest
) -> None:
    skipping: BacktestResult = request.getfixturevalue(f"on_{world}")
    told = scenario() if world == "bars" else quick()
    assert skipping.fills
    each = run_scenario(spec_of(request.getfixturevalue(world)), told, every_event=True)
    assert each.to_json() == skipping.to_json()


@pytest.mark.parametrize("world", ["on_bars", "on_stream", "until_funding"])
def test_the_books_agree(world: str, request: pytest.FixtureRequest) -> None:
    """What the desk's book says that it is worth follows from the venue's trades alone."""
    result: BacktestResult = request.getfixturevalue(world)
    assert agree(result.final_equity, result.capital + result.profit.net)
    assert agree(result.profit.net, *(outcome.profit.net for outcome in result.agents))
    assert agree(result.profit.net, *(outcome.profit.net for outcome in result.symbols))
    assert agree(result.costs.fees, *(fill.fee for fill in result.fills))
    filled = {order.client_order_id: order.filled_quantity for order in result.orders}
    traded: dict[str, Decimal] = {}
    for fill in result.fills:
        traded[fill.client_order_id] = traded.get(fill.client_order_id, Decimal(0)) + fill.quantity
    assert {name: quantity for name, quantity in filled.items() if quantity} == traded
    assert {order.status for order in result.orders if order.ended_micros} <= {
        OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED,
    }  # fmt: skip


def test_what_the_venue_booked_at_the_last_moment_is_heard(until_funding: BacktestResult) -> None:
    assert until_funding.to_micros == (START + 8 * 3_600) * 1_000_000
    assert until_funding.profit.funding == Decimal("0.11747204")
    assert until_funding.equity.micros[-1] == until_funding.to_micros
    assert until_funding.equity.equity[-1] == float(until_funding.final_equity)


def test_on_bars_latency_of_less_than_a_bar_changes_no_price(bars: Path, on_bars: BacktestResult) -> None:
    """The next price is known when the next bar is told, and not before: the result says so."""
    slower = run_scenario(spec_of(bars), applied(scenario(), "slower", {"timing.decision_ms": 20_000}))
    first, entry = (next(fill for fill in r.fills if fill.agent == "deepseek-v3") for r in (on_bars, slower))
    assert entry.arrived_micros - first.arrived_micros == 19_500_000
    assert (entry.side, entry.quantity, entry.price) == (first.side, first.quantity, first.price)
    assert "latency of less than a bar makes no price worse here" in " ".join(slower.notes)


@pytest.mark.parametrize("every_event", [False, True])
def test_nothing_trades_in_a_gap_at_a_close_that_is_older_than_a_bar(
    tmp_path: Path, every_event: bool
) -> None:
    """Three hours are missing behind minute 20; decisions take longer than a bar."""
    path = tmp_path / "BTCUSDT-1m.csv"
    minutes = [*range(20), *range(200, 224)]
    path.write_text("\n".join([HEADER, *(bar_line(minute) for minute in minutes)]) + "\n")
    slow = applied(scenario(), "slow", {"timing.decision_ms": 70_000, "timing.signal_ms": 30_000})
    result = run_scenario(spec_of(path, note_flaws=True), slow, every_event=every_event)
    last, again = (START + 20 * 60) * 10**6, (START + 201 * 60) * 10**6
    assert [fill for fill in result.fills if last + 60 * 10**6 < fill.micros < again] == []
    refused = [order for order in result.orders if order.reason.startswith("price_age")]
    assert [(order.agent, order.status) for order in refused] == [("deepseek-v3", OrderStatus.REJECTED)]
    assert {order.reason for order in refused} == {"price_age: no bar of BTCUSDT since 2024-01-15 00:20:00"}
    assert any(fill.micros >= again for fill in result.fills)


@pytest.mark.parametrize(("world", "order_ms"), [("on_bars", 100), ("on_stream", 40)])
def test_nothing_trades_before_its_decision_has_reached_the_venue(
    world: str, order_ms: int, request: pytest.FixtureRequest
) -> None:
    result: BacktestResult = request.getfixturevalue(world)
    for fill in result.fills:
        if fill.reason in ("entry", "reduce"):
            assert fill.micros >= fill.arrived_micros >= fill.decided_micros + order_ms * 1_000


def test_orders_trade_at_the_quote_that_was_there_when_they_arrived(
    stream: Path, on_stream: BacktestResult
) -> None:
    [quotes] = [columns for columns in open_data(spec_of(stream)).columns if columns.kind == "quote"]
    times = quotes.rows.column("event_time").cast("int64").to_pylist()
    bids, asks = quotes.rows.column("bid").to_pylist(), quotes.rows.column("ask").to_pylist()
    first_fills = {fill.client_order_id: fill for fill in reversed(on_stream.fills)}
    checked = 0
    for fill in first_fills.values():
        if fill.reason == "entry" and fill.micros == fill.arrived_micros:
            place = bisect_right(times, fill.arrived_micros) - 1
            best = asks[place] if fill.side.sign > 0 else bids[place]
            worse = (float(fill.price) - best) * fill.side.sign
            assert 0 <= worse < best * 0.0005, "at the best price, or behind it once that is used up"
            checked += 1
    assert checked > 0


def test_a_halted_desk_waits_for_its_operator(bars: Path) -> None:
    tight = {
        "limits.recover_drawdown": "0.000001", "limits.reduce_drawdown": "0.000002", "limits.halt_drawdown": "0.00001",
    }  # fmt: skip
    alone = run_scenario(spec_of(bars), applied(scenario(), "halts", tight))
    halted = [change for change in alone.states if change.state is DeskState.HALTED]
    assert len(halted) == 1
    assert "never released" in " ".join(alone.notes)
    released = applied(scenario(), "released", tight | {"operator.release_after_hours": 0.1})
    again = run_scenario(spec_of(bars), released)
    assert again.states[: len(alone.states)] == alone.states
    back = again.states[len(alone.states)]
    assert back.state is not DeskState.HALTED
    assert back.micros >= halted[0].micros + 360_000_000


@pytest.mark.parametrize("world", ["bars", "stream"])
def test_everything_happens_at_once_when_no_cost_is_left(world: str, request: pytest.FixtureRequest) -> None:
    """Without latency a leg may end while the next one is placed: the books agree all the same."""
    told = (scenario() if world == "bars" else quick()).without("all")
    result = run_scenario(spec_of(request.getfixturevalue(world)), told)
    assert result.fills
    assert result.costs.fees == result.costs.spread == result.costs.funding == 0
    assert agree(result.final_equity, result.capital + result.profit.net)
    known = 0 if world == "bars" else 500_000  # a bar made of trades is known when its lateness has passed
    late = {fill.arrived_micros - fill.decided_micros for fill in result.fills if fill.reason == "entry"}
    assert late == {known}
    identifiers = [order.client_order_id for order in result.orders]
    assert len(set(identifiers)) == len(identifiers)


def test_a_leg_that_finds_nothing_waits_for_the_market_to_move_on() -> None:
    """Without latency it would be placed again and again at the same moment, when what a bar offers is used up."""
    thin = {"roster.capital": 100_000_000, "costs.depth_share": 0.001, "costs.latency": False}
    told, spec = applied(scenario(), "thin", thin), DataSpec((), (), START * 10**6, (START + 3_600) * 10**6)
    result = run_scenario(spec, told)
    assert agree(result.final_equity, result.capital + result.profit.net)
    legs = [order for order in result.orders if order.client_order_id.startswith(("sps-", "spt-"))]
    nothing = [
        (order.agent, order.symbol, order.decided_micros)
        for order in legs
        if order.status is OrderStatus.EXPIRED
        and not order.filled_quantity
        and order.reason.startswith("nothing more to trade with")
        and order.decided_micros == order.ended_micros
    ]
    assert nothing
    # One entry's leg is tried once at a moment: no more of them than entries of the agent, each with two legs.
    assert max(Counter(nothing).values()) <= 2 * MOST_ENTRIES
    assert run_scenario(spec, told, every_event=True).to_json() == result.to_json()


def test_legs_that_never_come_to_rest_end_the_run(bars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.backtesting.paper_service._MOST_CHANGES", 1)
    with pytest.raises(BacktestError) as error:
        run_scenario(spec_of(bars), scenario())
    assert "were changed 1 times at 2024-01-15 00:" in str(error.value)
    assert "did not come to rest" in str(error.value)
