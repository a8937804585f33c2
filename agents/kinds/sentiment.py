"""A sentiment, asked of a model that reads what was said: a score in, a trade out when it is clear."""

from typing import Annotated, Any

from pydantic import Field

from agents.kinds.kind import Received, receive_chat
from agents.kinds.strictly import bad, read_strictly
from agents.prompts.document import Part, text_part
from agents.prompts.prompt import Ask, market_view, prompt_named
from agents.rules.rule import hold
from contracts.decisions import LONGEST_INSIGHT, DecisionRequest, Opinion
from contracts.model import Contract, Name, Text, Unit
from contracts.payloads import Side
from contracts.roster import AgentProfile

PROMPT = "sentiment.1"
CLEAR = 0.3
"""Score times confidence from which on a sentiment is worth a trade."""
STOP, TARGET = 0.01, 0.015
HORIZON_SECONDS = 3_600


class Sentiment(Contract):
    """The answer: the mood from -1 to 1."""

    symbol: Name
    score: Annotated[float, Field(ge=-1, le=1)]
    confidence: Unit
    rationale: Text


def _document(request: DecisionRequest) -> dict[str, Part]:
    return {"event_time": text_part(request.event_time.isoformat()), "symbol": text_part(request.symbol)}


ASK = Ask(
    "What is the mood about {symbol}?",
    _document,
    {
        "type": "json_schema",
        "json_schema": {"name": "sentiment", "strict": True, "schema": Sentiment.model_json_schema()},
    },
)


class AskSentiment:
    """Prompt `sentiment.1`, with what the agent heard and without the market: a mood made up from prices is none.

    weight = |score| x confidence. weight >= 0.3: a trade in the score's direction of size `weight`, for an hour, stop 1 %
    and target 1.5 % away; below it, or when that side is held, HOLD. A mood of that weight is an insight too, held or not.
    """

    @property
    def prompt_id(self) -> str:
        return prompt_named(PROMPT).id

    def instance(self, profile: AgentProfile, request: DecisionRequest) -> dict[str, Any]:
        return prompt_named(PROMPT).instance(profile, request, ASK)

    def receive(self, prediction: object) -> Received:
        return receive_chat(prediction)

    def opinion(self, text: str, request: DecisionRequest) -> Opinion:
        mood = read_strictly(text, Sentiment)
        if mood.symbol != request.symbol:
            raise bad(f"asked about {request.symbol}, answered about {mood.symbol}")
        weight = abs(mood.score) * mood.confidence
        side = Side.BUY if mood.score > 0 else Side.SELL
        if weight < CLEAR:
            return hold(mood.rationale, confidence=mood.confidence)
        told = f"The mood about {mood.symbol} is {mood.score:+.2f}: {mood.rationale}"[:LONGEST_INSIGHT]
        if request.held * side.sign > 0:
            return hold(mood.rationale, confidence=mood.confidence, insight=told)
        view, price = market_view(request), float(request.price)
        return Opinion(
            side=side,
            confidence=mood.confidence,
            size_fraction=round(weight, 4),
            stop_loss=view.at_tick(price * (1 - side.sign * STOP)),
            take_profit=view.at_tick(price * (1 + side.sign * TARGET)),
            horizon_seconds=HORIZON_SECONDS,
            rationale=mood.rationale,
            insight=told,
        )
