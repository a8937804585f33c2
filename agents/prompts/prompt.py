"""The prompt: a versioned template and the chat instance that it makes of a question."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from agents.answers import ANSWER_FORMAT
from agents.prompts.tokens import estimated_tokens
from agents.rules.rule import MarketView
from contracts.decisions import DecisionRequest
from contracts.roster import AgentProfile

_FOLDER = Path(__file__).parent

FEWEST_CLOSES = 10
"""So many closes are left however short the prompt must be."""


class PromptTooLong(ValueError):
    """Even the shortest form of the question does not fit the agent's `tokens_in`; the text says what would."""


@dataclass(frozen=True)
class Prompt:
    """A template of agents/prompts: `<name>.<version>.txt`, filled in with the agent's profile.

    A template that was used is not edited: a new version is a new file.
    """

    name: str
    template: str

    @property
    def id(self) -> str:
        """Name, version and hash of the template, as rows tell it: `decide.1-` and eight hex digits."""
        return f"{self.name}-{hashlib.blake2b(self.template.encode(), digest_size=4).hexdigest()}"

    def instance(
        self, profile: AgentProfile, request: DecisionRequest, ask: "Ask | None" = None
    ) -> dict[str, Any]:
        """The question as a Vertex instance in vLLM's chat format.

        The user message has two text parts: the question, and a JSON document with all that the agent may
        know. Equal requests give equal instances. What would make the prompt longer than the agent's `tokens_in`
        (`tokens.estimated_tokens`) is left out: first what it heard, the oldest first, then the older closes; raises
        `PromptTooLong` when that does not help.
        """
        ask = ask or DECIDE
        question = ask.question.format(symbol=request.symbol)
        budget = profile.call_budget
        system = self._system(profile)
        room = budget.tokens_in - estimated_tokens(system) - estimated_tokens(question)
        document = _fitting(request, ask, room)
        return {
            "@requestFormat": "chatCompletions",
            "messages": [
                {"role": "system", "content": system},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": question}, {"type": "text", "text": document}],
                },
            ],
            "max_tokens": budget.tokens_out,
            "temperature": 0,
            "response_format": ask.answer_format,
        }

    def _system(self, profile: AgentProfile) -> str:
        return Template(self.template).substitute(
            agent=profile.agent,
            role=profile.role.replace("_", " "),
            contribution=profile.contribution,
            risk_tolerance=profile.risk_tolerance,
            time_horizon=profile.time_horizon.replace("_", " "),
        )


@dataclass(frozen=True)
class Ask:
    """What a chat asks for: the question ({symbol} is filled in), the document made of a request, the answer's format."""

    question: str
    document: Callable[[DecisionRequest], dict[str, Any]]
    answer_format: dict[str, Any]


@cache
def prompt_named(name: str) -> Prompt:
    """The prompt in `<name>.txt`, such as `decide.1`; raises `FileNotFoundError`."""
    return Prompt(name, (_FOLDER / f"{name}.txt").read_text())


def market_view(request: DecisionRequest) -> MarketView:
    """The market of a request as the rules see it."""
    return MarketView(
        symbol=request.symbol,
        price=float(request.price),
        features=request.features,
        closes=request.closes,
        position_quantity=float(request.held),
    )


def _fitting(request: DecisionRequest, ask: "Ask", room: int) -> str:
    """The document as JSON, in its longest form of at most `room` tokens."""
    for shorter in _ever_shorter(request):
        document = json.dumps(ask.document(shorter), separators=(",", ":"), sort_keys=True)
        if estimated_tokens(document) <= room:
            return document
    needed = estimated_tokens(document) - room
    raise PromptTooLong(f"the prompt is {needed} tokens too long for {request.agent}: raise its tokens_in")


def _ever_shorter(request: DecisionRequest) -> Iterator[DecisionRequest]:
    yield request
    for number in range(1, len(request.heard) + 1):
        yield request.with_valid(heard=request.heard[number:])
    left = len(request.closes)
    while left > FEWEST_CLOSES:
        left = max(left // 2, FEWEST_CLOSES)
        yield request.with_valid(heard=(), closes=request.closes[-left:])


def _document(request: DecisionRequest) -> dict[str, Any]:
    return {
        "event_time": request.event_time.isoformat(),
        "symbol": request.symbol,
        "bar_seconds": request.bar_seconds,
        "bid": request.bid and str(request.bid),
        "ask": request.ask and str(request.ask),
        "market": market_view(request).model_dump(mode="json"),
        "guidance": request.guidance and request.guidance.model_dump(mode="json"),
        "heard": [heard.model_dump(mode="json") for heard in request.heard],
    }


DECIDE = Ask("What do you do in {symbol}?", _document, ANSWER_FORMAT)
"""The question for a decision."""
