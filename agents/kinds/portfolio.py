"""A portfolio, asked of an optimiser: target weights in, a step towards them out."""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from agents.kinds.kind import Received, receive_chat
from agents.kinds.strictly import bad, read_strictly
from agents.prompts.document import Part, object_of, prices_part, remembered, text_part
from agents.prompts.prompt import Ask, prompt_named
from agents.rules.rule import hold
from contracts.decisions import DecisionRequest, Opinion
from contracts.model import Contract, Name, Text, Unit
from contracts.payloads import Side
from contracts.roster import AgentProfile

PROMPT = "portfolio.1"
WORTH_MOVING = 0.01
"""The gap between what is held and its target, as a share of the capital, from which on it is closed."""
ONE_TRADE = 0.05
"""What the desk lets one trade be, as a share of the agent's capital: a step of size 1."""
HORIZON_SECONDS = 1_800
_ROUNDING = 1e-6


class Weights(Contract):
    """The answer: the share of the capital to hold in each symbol, negative is short."""

    weights: dict[Name, Annotated[float, Field(ge=-1, le=1)]]
    confidence: Unit
    rationale: Text

    @model_validator(mode="after")
    def _within_the_capital(self) -> Self:
        gross = sum(abs(weight) for weight in self.weights.values())
        if gross > 1.0 + _ROUNDING:
            raise ValueError(f"the weights add up to {gross:.4f} of the capital; 1 is all")
        return self


def _document(request: DecisionRequest) -> dict[str, Part]:
    kept = max(len(request.closes), 1)
    markets = {request.symbol: _market(request.closes, request.held)}
    markets |= {other.symbol: _market(other.closes[-kept:], other.held) for other in request.others}
    return {
        "event_time": text_part(request.event_time.isoformat()),
        "symbol": text_part(request.symbol),
        "markets": object_of(markets),
        "guidance": remembered(request.guidance),
    }


def _market(closes: tuple[float, ...], held: Decimal) -> Part:
    return object_of({"closes": prices_part(closes), "held": text_part(str(held))})


ASK = Ask(
    "Which portfolio do you want? {symbol} is traded next.",
    _document,
    {
        "type": "json_schema",
        "json_schema": {"name": "portfolio", "strict": True, "schema": Weights.model_json_schema()},
    },
)


class AskPortfolio:
    """Prompt `portfolio.1`, with all markets of the agent. The decision is about the symbol of the question alone.

    gap = target weight - held x price / capital, the capital being the guidance's. |gap| >= 1 %: a trade in its
    direction of size min(1, |gap| / 5 %); below it, or before any guidance told the capital, HOLD.
    """

    @property
    def prompt_id(self) -> str:
        return prompt_named(PROMPT).id

    def instance(self, profile: AgentProfile, request: DecisionRequest) -> dict[str, Any]:
        return prompt_named(PROMPT).instance(profile, request, ASK)

    def receive(self, prediction: object) -> Received:
        return receive_chat(prediction)

    def opinion(self, text: str, request: DecisionRequest) -> Opinion:
        wanted = read_strictly(text, Weights)
        if strangers := set(wanted.weights) - {request.symbol, *(other.symbol for other in request.others)}:
            raise bad(f"weights for what was not asked about: {', '.join(sorted(strangers))}")
        if request.symbol not in wanted.weights:
            raise bad(f"no weight for {request.symbol}")
        if request.guidance is None or request.guidance.capital <= 0:
            return hold("The portfolio has not told any capital yet.")
        held = float(request.held * request.price / request.guidance.capital)
        gap = wanted.weights[request.symbol] - held
        if abs(gap) < WORTH_MOVING:
            return hold(wanted.rationale, confidence=wanted.confidence)
        return Opinion(
            side=Side.BUY if gap > 0 else Side.SELL,
            confidence=wanted.confidence,
            size_fraction=round(min(1.0, abs(gap) / ONE_TRADE), 4),
            horizon_seconds=HORIZON_SECONDS,
            rationale=wanted.rationale,
        )
