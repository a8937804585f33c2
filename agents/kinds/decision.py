"""A decision, asked of a chat model: the answer is the decision."""

from typing import Any

from agents.answers import read_answer
from agents.kinds.kind import Received, receive_chat
from agents.prompts.prompt import prompt_named
from contracts.decisions import DecisionRequest, Opinion
from contracts.roster import AgentProfile

PROMPT = "decide.2"


class Decide:
    """Prompt `decide.2`; agents/answers.py says what fits."""

    @property
    def prompt_id(self) -> str:
        return prompt_named(PROMPT).id

    def instance(self, profile: AgentProfile, request: DecisionRequest) -> dict[str, Any]:
        return prompt_named(PROMPT).instance(profile, request)

    def receive(self, prediction: object) -> Received:
        return receive_chat(prediction)

    def opinion(self, text: str, request: DecisionRequest) -> Opinion:
        return read_answer(text, request)
