"""Who reads what: the agents whose contexts a message on the snapshots topic joins, and their cores."""

from dataclasses import dataclass

from contracts.message import Message, MessageType
from contracts.refusals import Reason, Refusal
from contracts.roster import EndpointBacking, Roster
from transforms.decisions.agent_context import AgentContext
from transforms.intake import MessageIntake
from transforms.log import Raw


@dataclass(frozen=True)
class AgentContexts:
    """Makes the context of a key `<desk>/<agent>`."""

    roster: Roster

    def __call__(self, key: str) -> AgentContext:
        desk, _, agent = key.rpartition("/")
        profile = self.roster.by_agent[agent]
        price = (
            self.roster.price_of(profile.backing) if isinstance(profile.backing, EndpointBacking) else None
        )
        return AgentContext(desk, profile, price)


class ContextIntake(MessageIntake):
    """Reads snapshots, which go to every model-backed agent that trades their symbol, and deliveries to one of them.

    Anything else is on the wrong topic. A snapshot of a symbol that no model-backed agent trades goes to
    nobody.
    """

    def __init__(self, roster: Roster) -> None:
        self._agents = tuple(profile for profile in roster.agents if profile.is_model_backed)
        self._names = frozenset(profile.agent for profile in self._agents)
        super().__init__(self._readers)

    def read(self, raw: Raw) -> Message:
        message = super().read(raw)
        if message.type is not MessageType.SNAPSHOT and message.recipient not in self._names:
            told = f"a {message.type} to {message.recipient or 'everyone'}"
            raise Refusal(Reason.WRONG_TOPIC, f"{told}: only snapshots and what a model-backed agent is told")
        return message

    def _readers(self, content: dict) -> tuple[str, ...]:
        desk = content["desk"]
        if content["type"] == MessageType.SNAPSHOT:
            symbol = content["payload"]["symbol"]
            return tuple(f"{desk}/{profile.agent}" for profile in self._agents if profile.trades(symbol))
        recipient = content["recipient"]
        if recipient not in self._names:
            raise KeyError(recipient)
        return (f"{desk}/{recipient}",)
