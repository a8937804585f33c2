"""The prompt: a versioned template and the chat instance that it makes of a question."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from string import Template
from typing import Any

from agents.answers import ANSWER_FORMAT
from agents.prompts.document import (
    Part,
    array_of,
    counted,
    object_of,
    part,
    prices_part,
    remembered,
    text_part,
)
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

    @cached_property
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
        budget = profile.call_budget
        system, question = self._system(profile), _question(ask.question, request.symbol)
        document = _fitting(request, ask, budget.tokens_in - system.tokens - question.tokens)
        return {
            "@requestFormat": "chatCompletions",
            "messages": [
                {"role": "system", "content": system.text},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": question.text}, {"type": "text", "text": document}],
                },
            ],
            "max_tokens": budget.tokens_out,
            "temperature": 0,
            "response_format": ask.answer_format,
        }

    def _system(self, profile: AgentProfile) -> Part:
        return _filled_in(
            self.template,
            agent=profile.agent,
            role=profile.role.replace("_", " "),
            contribution=profile.contribution,
            risk_tolerance=profile.risk_tolerance,
            time_horizon=profile.time_horizon.replace("_", " "),
        )


@lru_cache(maxsize=256)
def _filled_in(template: str, **fields: str) -> Part:
    return counted(Template(template).substitute(fields))


@lru_cache(maxsize=256)
def _question(question: str, symbol: str) -> Part:
    return counted(question.format(symbol=symbol))


def all_heard(request: DecisionRequest) -> list[Part]:
    """What the agent heard, each as it remembers it."""
    return [remembered(heard) for heard in request.heard]


@dataclass(frozen=True)
class Ask:
    """What a chat asks for: the question ({symbol} is filled in) and the answer's format.

    Its document is made of a request: `document` gives all fields but `heard`, which is `heard`, the oldest first.
    """

    question: str
    document: Callable[[DecisionRequest], dict[str, Part]]
    answer_format: dict[str, Any]
    heard: Callable[[DecisionRequest], list[Part]] = field(default=all_heard)


@cache
def prompt_named(name: str) -> Prompt:
    """The prompt in `<name>.txt`, such as `decide.1`; raises `FileNotFoundError`."""
    return Prompt(name, (_FOLDER / f"{name}.txt").read_text())


def market_view(request: DecisionRequest) -> MarketView:
    """The market of a request as the rules see it."""
    return _BLANK_VIEW.with_valid(
        symbol=request.symbol,
        price=float(request.price),
        features=request.features,
        closes=request.closes,
        position_quantity=float(request.held),
    )


_BLANK_VIEW = MarketView(symbol="none", price=1.0)


def _fitting(request: DecisionRequest, ask: Ask, room: int) -> str:
    """The document as JSON, in its longest form of at most `room` tokens."""
    heard, left = ask.heard(request), len(request.closes)
    document = _whole(ask.document(request), heard)
    if (too_long := document.tokens - room) > 0 and heard:
        heard = _later(heard, too_long)
        document = _whole(ask.document(request), heard)
    while document.tokens > room and left > FEWEST_CLOSES:
        left = max(left // 2, FEWEST_CLOSES)
        document = _whole(ask.document(request.with_valid(closes=request.closes[-left:])), heard)
    if document.tokens > room:
        needed = document.tokens - room
        raise PromptTooLong(
            f"the prompt is {needed} tokens too long for {request.agent}: raise its tokens_in"
        )
    return document.text


def _whole(document: dict[str, Part], heard: list[Part]) -> Part:
    return object_of(document | {"heard": array_of(heard)})


def _later(heard: list[Part], too_many: int) -> list[Part]:
    """Without the oldest, until so many tokens are saved or nothing is left."""
    for left_out in range(1, len(heard)):
        if sum([one.tokens + 1 for one in heard[:left_out]]) >= too_many:
            return heard[left_out:]
    return []


_MARKET_PARTS: dict[str, Callable[[Any], Part]] = {
    "closes": prices_part, "features": remembered, "highs": prices_part, "lows": prices_part, "volumes": prices_part,
    "symbol": text_part,
}  # fmt: skip
"""How fields of a market are written that are the same for several agents."""


def _document(request: DecisionRequest) -> dict[str, Part]:
    view = market_view(request)
    market = {name: _MARKET_PARTS.get(name, part)(value) for name, value in view.__dict__.items()}
    return {
        "event_time": text_part(request.event_time.isoformat()),
        "symbol": text_part(request.symbol),
        "bar_seconds": part(request.bar_seconds),
        "bid": text_part(request.bid and str(request.bid)),
        "ask": text_part(request.ask and str(request.ask)),
        "market": object_of(market),
        "guidance": remembered(request.guidance),
    }


DECIDE = Ask("What do you do in {symbol}?", _document, ANSWER_FORMAT)
"""The question for a decision."""
