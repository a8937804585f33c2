"""The bots of a backtest: the stand-ins' own cores, without the gateway between them and the desk."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from agents.bots.core import BotCore, Saying
from agents.bots.history import Bar
from agents.rules.rule import rule_named
from contracts.instruments import Instrument
from contracts.message import Message, said_by
from contracts.roster import Roster


class BotAgents:
    """Every external agent of a roster, each following the venue's bars and its inbox."""

    def __init__(self, roster: Roster, instruments: Mapping[str, Instrument]) -> None:
        self._desk = roster.desk
        self._cores = {
            profile.agent: BotCore(roster, profile, rule_named(profile.backing.rule), instruments)
            for profile in roster.agents
            if not profile.is_model_backed
        }

    def saw(self, symbol: str, bars: Sequence[Bar], said_at: datetime) -> Iterator[Message]:
        """What they say when bars have closed."""
        for agent, core in self._cores.items():
            for bar in bars:
                for saying in core.saw(symbol, bar):
                    yield self._message(agent, saying, said_at)

    def heard(self, message: Message, said_at: datetime) -> Iterator[Message]:
        """What the recipient says to a message from its inbox."""
        core = self._cores.get(message.recipient or "")
        if core is not None and message.recipient is not None:
            for saying in core.heard(message):
                yield self._message(message.recipient, saying, said_at)

    def _message(self, agent: str, saying: Saying, said_at: datetime) -> Message:
        """As the gateway makes it: stamped with the time at which it was said."""
        message = said_by(
            agent,
            saying.payload,
            desk=self._desk,
            event_time=said_at,
            recipient=saying.recipient,
            correlation_id=saying.correlation_id,
            derived_from=(saying.message_id,),
        )
        return message.with_valid(message_id=saying.message_id)
