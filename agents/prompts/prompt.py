"""The prompt: a versioned template and the chat instance that it makes of a question."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from agents.answers import ANSWER_FORMAT
from agents.rules.rule import MarketView
from contracts.decisions import DecisionRequest
from contracts.roster import AgentProfile

_FOLDER = Path(__file__).parent
MAX_ANSWER_TOKENS = 512


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

    def instance(self, profile: AgentProfile, request: DecisionRequest) -> dict[str, Any]:
        """The question as a Vertex instance in vLLM's chat format.

        The user message has two text parts: the question, and a JSON document with all that the agent may
        know. Equal requests give equal instances.
        """
        question = f"What do you do in {request.symbol}?"
        document = json.dumps(_document(request), separators=(",", ":"), sort_keys=True)
        return {
            "@requestFormat": "chatCompletions",
            "messages": [
                {"role": "system", "content": self._system(profile)},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": question}, {"type": "text", "text": document}],
                },
            ],
            "max_tokens": MAX_ANSWER_TOKENS,
            "temperature": 0,
            "response_format": ANSWER_FORMAT,
        }

    def _system(self, profile: AgentProfile) -> str:
        return Template(self.template).substitute(
            agent=profile.agent,
            role=profile.role.replace("_", " "),
            contribution=profile.contribution,
            risk_tolerance=profile.risk_tolerance,
            time_horizon=profile.time_horizon.replace("_", " "),
        )


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
