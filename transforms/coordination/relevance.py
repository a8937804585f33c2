"""Relevance: how much a message concerns an agent, from the roster and the message alone."""

from contracts.instruments import INSTRUMENTS
from contracts.message import Message
from contracts.roster import AgentProfile, Roster

ASSET_WEIGHT = 0.35
PARTNER_WEIGHT = 0.25
EXPERTISE_WEIGHT = 0.20
CONVICTION_WEIGHT = 0.20


class Relevance:
    """Relevance in [0, 1]: the weighted mean of what can be told about a message and a recipient.

    | fact | weight | 1 when | 0 when |
    | --- | --- | --- | --- |
    | asset | 0.35 | the message's symbol is among the recipient's preferred assets | it is not |
    | partnership | 0.25 | sender and recipient are collaboration partners | they are not |
    | expertise | 0.20 | sender and recipient share all their fields | they share none |
    | conviction | 0.20 | the sender is certain (conviction, confidence or score is 1) | it is 0 |

    A fact that the message does not have (no symbol, no conviction) is left out of the mean, not counted as 0.
    """

    def __init__(self, roster: Roster) -> None:
        self._pairs = {
            (sender.agent, recipient.agent): _partnership_and_expertise(sender, recipient)
            for sender in roster.agents
            for recipient in roster.agents
            if sender is not recipient
        }
        self._assets = {
            (profile.agent, symbol): float(profile.trades(symbol)) for profile in roster.agents for symbol in INSTRUMENTS
        }

    def of(self, message: Message, recipient: str) -> float:
        """The relevance of a message of one agent on the roster to another one."""
        weighted = self._pairs[message.sender, recipient]
        weight = PARTNER_WEIGHT + EXPERTISE_WEIGHT
        symbol = message.symbol
        if symbol is not None:
            weighted += ASSET_WEIGHT * self._assets.get((recipient, symbol), 0.0)
            weight += ASSET_WEIGHT
        conviction = conviction_of(message)
        if conviction is not None:
            weighted += CONVICTION_WEIGHT * conviction
            weight += CONVICTION_WEIGHT
        return weighted / weight


def conviction_of(message: Message) -> float | None:
    """How sure the sender says that it is, where the message has such a number."""
    payload = message.payload
    for name in ("conviction", "confidence", "score"):
        value = getattr(payload, name, None)
        if value is not None:
            return float(value)
    return None


def _partnership_and_expertise(sender: AgentProfile, recipient: AgentProfile) -> float:
    partners = (
        recipient.agent in sender.collaboration_partners or sender.agent in recipient.collaboration_partners
    )
    ours, theirs = set(sender.expertise), set(recipient.expertise)
    shared = len(ours & theirs) / min(len(ours), len(theirs))
    return PARTNER_WEIGHT * partners + EXPERTISE_WEIGHT * shared
