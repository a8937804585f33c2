"""A brief decision, asked of a small model: few numbers in, and an answer whose form leaves it little to get wrong."""

from typing import Any

from agents.answers import read_answer
from agents.kinds.kind import Received, receive_chat
from agents.prompts.document import Part, part
from agents.prompts.prompt import Ask, prompt_named
from contracts.decisions import DecisionRequest, Opinion
from contracts.roster import AgentProfile

PROMPT = "brief.1"
CLOSES = 10
"""So many of the last closes are shown, and no features: on a slow machine every token of a prompt costs."""
HEARD = 2
"""So many of the last messages are shown, each cut to `LONGEST_HEARD` characters."""
LONGEST_HEARD = 80
LONGEST_RATIONALE = 120
SIZES = (0.25, 0.5, 0.75, 1)


class AskBriefly:
    """Prompt `brief.1`. The answer is the decision, read as strictly as any (agents/answers.py), without stop or target.

    The schema of the answer is the question's own: its symbol, and a size of 0 with a HOLD and with a HOLD alone. A server
    with guided decoding can then only be wrong about the market.
    """

    @property
    def prompt_id(self) -> str:
        return prompt_named(PROMPT).id

    def instance(self, profile: AgentProfile, request: DecisionRequest) -> dict[str, Any]:
        ask = Ask("What do you do in {symbol}?", _document, answer_format(request.symbol), _heard)
        return prompt_named(PROMPT).instance(profile, request, ask)

    def receive(self, prediction: object) -> Received:
        return receive_chat(prediction)

    def opinion(self, text: str, request: DecisionRequest) -> Opinion:
        return read_answer(text, request)


def answer_format(symbol: str) -> dict[str, Any]:
    """The `response_format` of a question about `symbol`."""
    hold, trade = _answer(symbol, ["HOLD"], [0]), _answer(symbol, ["BUY", "SELL"], [*SIZES])
    schema = {"name": "answer", "strict": True, "schema": {"anyOf": [hold, trade]}}
    return {"type": "json_schema", "json_schema": schema}


def _answer(symbol: str, sides: list[str], sizes: list[float]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "symbol": {"const": symbol},
        "side": {"enum": sides},
        "size_fraction": {"enum": sizes},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "horizon_seconds": {"type": "integer", "minimum": 60, "maximum": 86_400},
        "rationale": {"type": "string", "maxLength": LONGEST_RATIONALE},
    }
    return {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}


def _document(request: DecisionRequest) -> dict[str, Part]:
    market = {
        "symbol": request.symbol,
        "price": float(request.price),
        "closes": request.closes[-CLOSES:],
        "position_quantity": float(request.held),
    }
    return {"market": part(market)}


def _heard(request: DecisionRequest) -> list[Part]:
    return [
        part({"sender": heard.sender, "side": heard.side, "text": heard.text[:LONGEST_HEARD]})
        for heard in request.heard[-HEARD:]
        if heard.symbol in (None, request.symbol)
    ]
