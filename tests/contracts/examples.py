"""One example of everything that can be said."""

from datetime import UTC, datetime
from decimal import Decimal

from contracts.bookings import Funding, LedgerOrder, LedgerReport
from contracts.controls import Control, ControlAction, Goal
from contracts.message import Message, MessageType, said_by
from contracts.model import Contract
from contracts.payloads import (
    AgentMarketData,
    Consensus,
    Critique,
    Decision,
    DeskState,
    Guidance,
    Heartbeat,
    HftSignal,
    Insight,
    Mark,
    OrderExecution,
    OrderStatus,
    PortfolioRebalance,
    Position,
    Proposal,
    Question,
    Reasoning,
    Response,
    RiskUpdate,
    Side,
    Snapshot,
    StrategyAdjustment,
    StrategyDiscussion,
    TradeThesis,
    Usage,
)

T0 = datetime(2024, 1, 15, 0, 0, 59, 999_000, tzinfo=UTC)

PAYLOADS: dict[MessageType, Contract] = {
    MessageType.RISK_UPDATE: RiskUpdate(
        state=DeskState.ACTIVE,
        equity=Decimal("10012.34567890"),
        high_water_mark=Decimal("10100"),
        drawdown=0.0087,
        gross_exposure=Decimal("120.5"),
        net_exposure=Decimal("-20.5"),
        leverage=0.012,
        alerts=("drawdown above half of its limit",),
    ),
    MessageType.ORDER_EXECUTION: OrderExecution(
        client_order_id="sph-1",
        execution_id="e-1",
        sequence=2,
        agent="qwen-7b",
        symbol="BTCUSDT",
        side=Side.BUY,
        status=OrderStatus.FILLED,
        quantity=Decimal("0.002"),
        filled_quantity=Decimal("0.002"),
        last_quantity=Decimal("0.002"),
        last_price=Decimal("41767.3"),
        average_price=Decimal("41767.3"),
        fee=Decimal("0.02923711"),
        venue="paper",
        venue_order_id="7",
    ),
    MessageType.PORTFOLIO_REBALANCE: PortfolioRebalance(
        goal=Goal.MARKET_NEUTRAL,
        reason="timer",
        equity=Decimal("10000"),
        previous={"qwen-7b": Decimal("1000")},
        allocations={"qwen-7b": Decimal("1100"), "deepseek-v3": Decimal("900")},
    ),
    MessageType.GUIDANCE: Guidance(
        agent="qwen-7b",
        role="mean_reversion",
        goal=Goal.MAXIMUM_PROFIT,
        capital=Decimal("1266.67"),
        remaining=Decimal("1200"),
        favour=("BTC",),
        text="Fade moves beyond two deviations.",
    ),
    MessageType.CONTROL: Control(
        action=ControlAction.THRESHOLD, issued_by="desk-operator", agent="qwen-7b", threshold=0.4
    ),
    MessageType.HFT_SIGNAL: HftSignal(
        side=Side.SELL,
        stop_loss=Decimal("42000"),
        take_profit=Decimal("41000"),
        symbol="BTCUSDT",
        confidence=0.7,
        notional=Decimal("50"),
        strategy="rule:technical",
        indicators={"rsi": 71.2, "atr": 30.5},
    ),
    MessageType.PROPOSAL: Proposal(
        side=Side.BUY,
        decision_id="d-1",
        symbol="ETHUSDT",
        confidence=0.6,
        size_fraction=0.5,
        price=Decimal("2480.17"),
        horizon_seconds=900,
    ),
    MessageType.STRATEGY_ADJUSTMENT: StrategyAdjustment(
        strategy="rule:technical", parameter="rsi_period", old_value="14", new_value="10"
    ),
    MessageType.MARKET_DATA: AgentMarketData(symbol="BTCUSDT", price=Decimal("41767.3"), source="spot"),
    MessageType.TRADE_THESIS: TradeThesis(
        side=Side.BUY, symbol="BTCUSDT", thesis="Breakout.", conviction=0.8, timeframe="5m"
    ),
    MessageType.STRATEGY_DISCUSSION: StrategyDiscussion(topic="stops", content="Wider stops at night?"),
    MessageType.INSIGHT: Insight(insight="Volume doubled.", confidence=0.9, symbol="ETHUSDT"),
    MessageType.QUESTION: Question(topic="liquidity", question="Is the spread normal?", symbol="BTCUSDT"),
    MessageType.RESPONSE: Response(answer="It is.", confidence=0.5),
    MessageType.CRITIQUE: Critique(concerns=("late entry",), conviction=0.3),
    MessageType.CONSENSUS: Consensus(
        symbol="BTCUSDT", side=Side.BUY, score=0.7, participants=("qwen-7b", "deepseek-v3")
    ),
    MessageType.HEARTBEAT: Heartbeat(latency_ms=3.5),
    MessageType.SNAPSHOT: Snapshot(
        symbol="BTCUSDT", bar_seconds=60, price=Decimal("41763.1"), features={"rsi_14": 55.0}
    ),
    MessageType.MARK: Mark(symbol="BTCUSDT", price=Decimal("41763.1"), tradable=False, reason="crossed"),
    MessageType.DECISION: Decision(
        decision_id="d-1",
        agent="qwen-7b",
        model="rule:mean_reversion",
        prompt="decide@1",
        snapshot_id="s-1",
        symbol="ETHUSDT",
        side=Side.HOLD,
        confidence=0.1,
        size_fraction=0.0,
        price=Decimal("2480.17"),
        horizon_seconds=60,
        outcome="answered",
    ),
    MessageType.REASONING: Reasoning(
        decision_id="d-1", agent="qwen-7b", symbol="ETHUSDT", rationale="Nothing to fade."
    ),
    MessageType.USAGE: Usage(
        decision_id="d-1",
        agent="qwen-7b",
        made=True,
        tokens_in=900,
        tokens_out=80,
        cost_usd=Decimal("0.00012"),
    ),
    MessageType.POSITION: Position(
        agent="qwen-7b",
        symbol="BTCUSDT",
        quantity=Decimal("-0.002"),
        entry_price=Decimal("41767.3"),
        mark_price=Decimal("41763.1"),
        realised_pnl=Decimal("0"),
        unrealised_pnl=Decimal("0.0084"),
        fees=Decimal("0.02923711"),
    ),
    MessageType.FUNDING: Funding(
        funding_id="funded-1",
        agent="qwen-7b",
        symbol="BTCUSDT",
        quantity=Decimal("-0.002"),
        mark_price=Decimal("41763.1"),
        rate=Decimal("0.0001"),
        amount=Decimal("0.00835262"),
        funded_at=T0,
        venue="paper",
    ),
    MessageType.LEDGER: LedgerReport(
        positions={"BTCUSDT": Decimal("-0.002")},
        orders=(LedgerOrder(client_order_id="sph-1", status=None),),
    ),
}


def example(kind: MessageType) -> Message:
    """A message of that type."""
    return said_by("qwen-7b", PAYLOADS[kind], desk="main", event_time=T0, derived_from=("example",))
