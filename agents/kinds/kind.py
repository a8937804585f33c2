"""A kind of request: how an endpoint is asked, how its answer is read, and what decision follows."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from agents.endpoints.completion import read_completion
from contracts.decisions import DecisionRequest, Opinion
from contracts.roster import AgentProfile


@dataclass(frozen=True, slots=True)
class Received:
    """An answer as it came: the model that gave it, its text, the tokens that it took (None when it does not say)."""

    model: str
    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None


class Kind(Protocol):
    """What every kind can do. Nothing in it is random: equal answers to equal requests are equal decisions."""

    @property
    def prompt_id(self) -> str:
        """Name, version and hash of what is asked, as rows tell it."""
        ...

    def instance(self, profile: AgentProfile, request: DecisionRequest) -> dict[str, Any]:
        """The Vertex instance; raises `PromptTooLong`."""
        ...

    def receive(self, prediction: object) -> Received:
        """The answer in a prediction; raises `Refusal` (bad_answer)."""
        ...

    def opinion(self, text: str, request: DecisionRequest) -> Opinion:
        """The decision that follows from the answer's text; raises `Refusal` (bad_answer)."""
        ...


def receive_chat(prediction: object) -> Received:
    """The answer in a chat completion."""
    read = read_completion(prediction)
    return Received(read.model_name, read.text, read.usage.prompt_tokens, read.usage.completion_tokens)


@cache
def kind_named(name: str) -> Kind:
    """The kind that a roster's `asks` names."""
    from agents.kinds.brief import AskBriefly
    from agents.kinds.decision import Decide
    from agents.kinds.forecast import AskForecast
    from agents.kinds.portfolio import AskPortfolio
    from agents.kinds.sentiment import AskSentiment

    kinds: dict[str, type[Kind]] = {
        "decision": Decide,
        "brief": AskBriefly,
        "forecast": AskForecast,
        "sentiment": AskSentiment,
        "portfolio": AskPortfolio,
    }
    return kinds[name]()
