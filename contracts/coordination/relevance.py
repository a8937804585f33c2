"""Relevance: how much a message concerns an agent, from the roster and the message alone."""

import re
from functools import cache, lru_cache
from typing import NamedTuple

from contracts.instruments import INSTRUMENTS
from contracts.message import Message, MessageType
from contracts.model import Contract
from contracts.roster import AgentProfile, Roster

TOPIC_WEIGHT = 0.35
ASSET_WEIGHT = 0.25
PARTNER_WEIGHT = 0.25
CONVICTION_WEIGHT = 0.15

_HEARTBEAT = MessageType.HEARTBEAT  # an attribute of an Enum is looked up in Python

_WORD = re.compile(r"[a-z0-9]+")

_About = tuple[str, str | None, frozenset[str] | None]
"""Sender, symbol and topic."""

_Sums = dict[str, tuple[float, float]]
"""By agent the weighted sum, and the weight, of all facts but the conviction."""

_MOST_SUMS = 2_000
"""Sums that are remembered: the topic is free text."""


class Facts(NamedTuple):
    """What relevance needs to know of a message; None is a fact that the message does not have."""

    sender: str
    symbol: str | None
    topic: frozenset[str] | None
    conviction: float | None


class Relevance:
    """Relevance in [0, 1]: the weighted mean of what can be told about a message and a recipient.

    | fact | weight | 1 when | 0 when |
    | --- | --- | --- | --- |
    | topic | 0.35 | the message's topic or strategy names a field (or the role) of the recipient | it names none |
    | asset | 0.25 | the message's symbol is among the recipient's preferred assets | it is not |
    | partnership | 0.25 | sender and recipient are collaboration partners | they are not |
    | conviction | 0.15 | the sender is certain (conviction, confidence or score is 1) | it is 0 |

    A fact that the message does not have (no topic, no symbol, no conviction) is left out of the mean, not counted as 0.
    """

    def __init__(self, roster: Roster) -> None:
        self._partners = {
            (sender.agent, recipient.agent)
            for sender in roster.agents
            for recipient in roster.agents
            if recipient.agent in sender.collaboration_partners
            or sender.agent in recipient.collaboration_partners
        }
        self._assets = {
            (profile.agent, symbol)
            for profile in roster.agents
            for symbol in INSTRUMENTS
            if profile.trades(symbol)
        }
        self._fields = {profile.agent: _fields(profile) for profile in roster.agents}
        self._sums: dict[_About, _Sums] = {}

    def of(self, facts: Facts, recipient: str) -> float:
        """The relevance of a message with these facts to an agent on the roster."""
        weighted, weight = self._sums_of(facts)[recipient]
        conviction = facts.conviction
        if conviction is None:
            return weighted / weight
        return (weighted + CONVICTION_WEIGHT * conviction) / (weight + CONVICTION_WEIGHT)

    def to_each(self, facts: Facts) -> dict[str, float]:
        """The relevance of a message with these facts to each agent on the roster."""
        sums = self._sums_of(facts).items()
        if facts.conviction is None:
            return {agent: weighted / weight for agent, (weighted, weight) in sums}
        certain = CONVICTION_WEIGHT * facts.conviction
        return {
            agent: (weighted + certain) / (weight + CONVICTION_WEIGHT) for agent, (weighted, weight) in sums
        }

    def _sums_of(self, facts: Facts) -> _Sums:
        """The sums of what a message is about, remembered: agents talk about the same things again."""
        about = facts[:3]
        sums = self._sums.get(about)
        if sums is None:
            if len(self._sums) >= _MOST_SUMS:
                self._sums.clear()
            sums = {agent: self._sum(about, agent) for agent in self._fields}
            self._sums[about] = sums
        return sums

    def _sum(self, about: _About, recipient: str) -> tuple[float, float]:
        sender, symbol, topic = about
        weight = PARTNER_WEIGHT
        weighted = PARTNER_WEIGHT if (sender, recipient) in self._partners else 0.0
        if symbol is not None:
            weight += ASSET_WEIGHT
            if (recipient, symbol) in self._assets:
                weighted += ASSET_WEIGHT
        if topic is not None:
            weight += TOPIC_WEIGHT
            if any(field <= topic for field in self._fields[recipient]):
                weighted += TOPIC_WEIGHT
        return weighted, weight


def facts_of(message: Message) -> Facts:
    """What a message says about itself."""
    payload = message.payload
    symbol, topic, conviction = fact_fields(type(payload))
    return Facts(
        message.sender,
        getattr(payload, symbol) if symbol else None,
        words(getattr(payload, topic)) if topic else None,
        getattr(payload, conviction) if conviction else None,
    )


@cache
def fact_fields(model: type[Contract]) -> tuple[str | None, str | None, str | None]:
    """The names of the payload's fields for symbol, topic and conviction, None for what it has none for."""

    def first(*names: str) -> str | None:
        return next((name for name in names if name in model.model_fields), None)

    return first("symbol"), first("topic", "strategy"), first("conviction", "confidence", "score")


def concerns_nobody(message: Message) -> bool:
    """Whether it is a sign of life, which tells the desk something and no agent anything."""
    return message.type is _HEARTBEAT


@lru_cache(maxsize=10_000)
def words(text: str) -> frozenset[str]:
    """The words of a text or of a name such as `mean_reversion`, in lower case."""
    return frozenset(_WORD.findall(text.lower()))


def _fields(profile: AgentProfile) -> tuple[frozenset[str], ...]:
    return tuple(words(field) for field in (*profile.expertise, profile.role))
