"""The model-backed agents of a backtest: the decisions job's contexts and handler, without its topic and its stage."""

from collections.abc import Iterator
from typing import NamedTuple

from agents.endpoints.asking import Connection
from agents.endpoints.handler import DecisionHandler
from contracts.message import Message, MessageType
from contracts.payloads import Snapshot
from contracts.roster import Roster
from pipelines.backtesting.core_log import CoreLog
from transforms.core import Output
from transforms.decisions.agent_context import REQUESTS
from transforms.decisions.consequences import consequences
from transforms.decisions.readers import AgentContexts


class Said(NamedTuple):
    """What an agent said, and whether a model had to be asked for it."""

    output: Output
    was_asked: bool


class ModelAgents:
    """Every model-backed agent of a roster, each with its log; what nobody hears need not be said."""

    def __init__(self, roster: Roster, connection: Connection, unheard: frozenset[str] = frozenset()) -> None:
        contexts = AgentContexts(roster)
        self._profiles = tuple(profile for profile in roster.agents if profile.is_model_backed)
        keys = {profile.agent: f"{roster.desk}/{profile.agent}" for profile in self._profiles}
        self._logs = {agent: CoreLog(key, contexts(key)) for agent, key in keys.items()}
        self._handler = DecisionHandler(roster, connection, tells_latency=False)
        self._asker = connection.connect()
        self._unheard = unheard

    def take(self, message: Message) -> Iterator[Said]:
        """What follows from a snapshot, which goes to all who trade its symbol, or from what one of them is told."""
        if message.type is MessageType.SNAPSHOT and isinstance(message.payload, Snapshot):
            symbol = message.payload.symbol
            readers = [profile.agent for profile in self._profiles if profile.trades(symbol)]
        else:
            readers = [message.recipient] if message.recipient in self._logs else []
        for agent in readers:
            for output in self._logs[agent].take(message):
                if output.port != REQUESTS:
                    yield Said(output, False)
                    continue
                [outcome] = self._handler.run_inference([output.value], self._asker)
                for consequence in consequences(outcome, self._unheard):
                    yield Said(consequence, True)
