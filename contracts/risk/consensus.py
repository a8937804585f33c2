"""Consensus: what the desk's agents agree on for a symbol, weighed by their capital and how sure they are."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.payloads import Consensus, Side
from contracts.risk.money import ZERO, told

WORTH_TELLING = Decimal("0.1")
"""So much must the score have moved since it was told for it to be told again, when neither side nor voices changed."""

_SIDES = {0: Side.HOLD, 1: Side.BUY, -1: Side.SELL}


class Voice(NamedTuple):
    """An agent's latest word about a symbol: when, in which direction (+1, 0, -1), how sure."""

    micros: int
    sign: int
    confidence: Decimal


class Agreement(NamedTuple):
    """What the voices about a symbol come to; `behind` are those whose side it is."""

    side: Side
    score: Decimal
    participants: tuple[str, ...]
    behind: tuple[str, ...]


NOBODY = Agreement(Side.HOLD, ZERO, (), ())
"""When nobody said anything lately."""


class Voices:
    """Every agent's latest word about every symbol, for `seconds` of event time.

        score = |sum of capital x confidence x direction| / sum of capital,   over the voices of the last `seconds`

    So it is how sure the capital that spoke is of one side: nobody is outvoted by being asked less often, and who is silent
    does not count. With 300 seconds, 60,000 for alpha and 20,000 for beta:

        10:00:00  alpha BUY  0.8                   BUY 0.8,  one voice: told to nobody
        10:01:00  beta  BUY  0.4   (48 + 8) / 80   BUY 0.7,  told
        10:02:00  beta  SELL 0.8   (48 - 16) / 80  BUY 0.4,  told: beta is not behind it any more
        10:05:00  alpha's word is 300 s old        SELL 0.8, one voice is left: HOLD 0 is told
    """

    def __init__(self, seconds: int) -> None:
        self._micros = seconds * 1_000_000
        self._said: dict[str, dict[str, Voice]] = {}
        self._told: dict[str, Agreement] = {}

    def remember(self, seconds: int) -> None:
        """Count words for so long from here on."""
        self._micros = seconds * 1_000_000

    def hear(self, symbol: str, agent: str, voice: Voice, clock: int) -> None:
        """One more word; what is older than the agent's last one, or than the window, changes nothing."""
        voice = voice._replace(micros=min(voice.micros, clock))
        said = self._lately(symbol, clock)
        if agent not in said or said[agent].micros <= voice.micros:
            said[agent] = voice
        self._said[symbol] = {name: said[name] for name in sorted(said)}
        self._said = {name: self._said[name] for name in sorted(self._said)}

    def agreement(self, symbol: str, clock: int, capital_of: Callable[[str], Decimal]) -> Agreement:
        """What the voices come to now; asking changes nothing."""
        said = {agent: voice for agent, voice in self._lately(symbol, clock).items() if capital_of(agent) > 0}
        if not said:
            return NOBODY
        capital = sum((capital_of(agent) for agent in said), ZERO)
        net = sum((capital_of(agent) * voice.confidence * voice.sign for agent, voice in said.items()), ZERO)
        sign = (net > 0) - (net < 0)
        behind = tuple(agent for agent, voice in said.items() if sign and voice.sign == sign)
        return Agreement(_SIDES[sign], told(abs(net) / capital), tuple(said), behind)

    def news(self, symbol: str, clock: int, capital_of: Callable[[str], Decimal]) -> Consensus | None:
        """The consensus when it is worth telling, once: two voices at least, or what was told holds no longer."""
        before = self._told.get(symbol, NOBODY)
        now = self.agreement(symbol, clock, capital_of)
        now = now if len(now.participants) > 1 else NOBODY
        moved = abs(now.score - before.score) >= WORTH_TELLING
        if (now.side, now.participants, now.behind) == before[:1] + before[2:] and not moved:
            return None
        self._told = {name: kept for name, kept in self._told.items() if name != symbol}
        if now is not NOBODY:
            self._told = dict(sorted((self._told | {symbol: now}).items()))
        return Consensus(symbol=symbol, side=now.side, score=float(now.score), participants=now.participants)

    def _lately(self, symbol: str, clock: int) -> dict[str, Voice]:
        said = self._said.get(symbol, {})
        return {agent: voice for agent, voice in said.items() if voice.micros > clock - self._micros}

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "said": {
                symbol: {agent: [v.micros, v.sign, str(v.confidence)] for agent, v in said.items()}
                for symbol, said in self._said.items()
            },
            "told": {
                symbol: [a.side, str(a.score), a.participants, a.behind] for symbol, a in self._told.items()
            },
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take up what `dump` wrote; nothing is known of a state from before there was a consensus."""
        self._said = {
            symbol: {
                agent: Voice(int(at), int(sign), Decimal(sure)) for agent, (at, sign, sure) in said.items()
            }
            for symbol, said in dumped.get("said", {}).items()
        }
        self._told = {
            symbol: Agreement(Side(side), Decimal(score), tuple(participants), tuple(behind))
            for symbol, (side, score, participants, behind) in dumped.get("told", {}).items()
        }
