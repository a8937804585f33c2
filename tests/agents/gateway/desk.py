"""A gateway's desk for tests: the real roster, and fakes where Pub/Sub, Redis and the clock would be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agents.gateway.desk import GatewayDesk
from agents.gateway.inboxes import Inboxes
from agents.gateway.measures import Measures
from agents.gateway.subscription import Received
from agents.gateway.tokens import Tokens
from contracts.message import Message
from contracts.payloads import Insight
from contracts.refusals import DeadLetter
from contracts.roster import read_roster
from contracts.settings import Settings

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
TOKENS = {name: f"the-token-of-{name}" for name in ("freqtrade-hft", "hummingbot-mm", "deepseek-v3")}
ADMIN = "the-token-of-the-operators"


@dataclass
class HandClock:
    """A clock that the test sets."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment


@dataclass
class Taken:
    """A publisher that keeps what it was given, or fails as it is told."""

    messages: list[Message] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    failure: Exception | None = None
    lacks: str | None = None

    async def publish(self, message: Message) -> None:
        if self.failure is not None:
            raise self.failure
        self.messages.append(message)

    async def bury(self, letter: DeadLetter) -> None:
        self.letters.append(letter)

    async def missing(self) -> str | None:
        return self.lacks


@dataclass
class Documents:
    """A live view held in two dictionaries."""

    single: dict[str, Any] = field(default_factory=dict)
    hashes: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def document(self, key: str) -> Any | None:
        return self.single.get(key)

    async def documents(self, key: str) -> dict[str, Any]:
        return self.hashes.get(key, {})


@dataclass
class Receipts:
    """The transport of an inbox: what was acknowledged through it."""

    problem: str | None = None
    acknowledged: list[str] = field(default_factory=list)

    def acknowledge(self, receipts: Sequence[str]) -> None:
        self.acknowledged += receipts


@dataclass
class DeskAtNoon:
    """A desk at noon with every fake within reach."""

    publisher: Taken = field(default_factory=Taken)
    view: Documents = field(default_factory=Documents)
    clock: HandClock = field(default_factory=HandClock)
    transport: Receipts = field(default_factory=Receipts)
    buried: list[DeadLetter] = field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        roster = read_roster(Settings.model_fields["roster"].default)
        external = [profile.agent for profile in roster.agents if not profile.is_model_backed]
        measures = Measures()
        inboxes = Inboxes(external, measures, self.buried.append, monotonic=lambda: self.seconds)
        for agent in external:
            inboxes.read_through(agent, self.transport)
        self.desk = GatewayDesk(
            roster=roster,
            tokens=Tokens(TOKENS, ADMIN),
            publisher=self.publisher,
            inboxes=inboxes,
            view=self.view,
            clock=self.clock,
            measures=measures,
        )

    def arrive(self, agent: str, messages: Iterable[Message]) -> None:
        """Put messages into an inbox, each with the receipt `r-<message_id>`, sent 12.5 ms ago."""
        for message in messages:
            attributes = {"sent_at": NOON.replace(second=0).isoformat()}
            received = Received(message.to_json(), attributes, NOON.timestamp(), f"r-{message.message_id}")
            self.desk.inboxes.arrive(agent, received, NOON.replace(microsecond=12_500))


def insight(message_id: str, sender: str = "deepseek-v3", text: str = "volume fades") -> Message:
    """A message to freqtrade-hft."""
    return Message.model_validate(
        {
            "message_id": message_id,
            "desk": "main",
            "sender": sender,
            "recipient": "freqtrade-hft",
            "type": "INSIGHT",
            "event_time": NOON,
            "payload": Insight(insight=text, confidence=0.5),
        }
    )


def bearer(agent: str) -> dict[str, str]:
    """The header with an agent's token, or the operators'."""
    return {"Authorization": f"Bearer {ADMIN if agent == 'admin' else TOKENS[agent]}"}
