"""Every topic and subscription of a desk's project, declared once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A Pub/Sub topic: its name and what is on it."""

    name: str
    about: str

    def path(self, project: str) -> str:
        """The full name, as Pub/Sub's clients want it."""
        return f"projects/{project}/topics/{self.name}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A Pub/Sub subscription: who reads which topic, and by which attribute filter."""

    name: str
    topic: Topic
    about: str
    filter: str = ""

    def path(self, project: str) -> str:
        """The full name, as Pub/Sub's clients want it."""
        return f"projects/{project}/subscriptions/{self.name}"


MARKET_DATA = Topic("market-data", "Arrow batches of the venue's events, from the feed or the replayer")
MESSAGES = Topic("messages", "what agents, bots and people say, from the gateway and the jobs")
SNAPSHOTS = Topic("snapshots", "snapshots of the market, and what was delivered to the model-backed agents")
TRADING = Topic(
    "trading", "marks, admitted signals, proposals, executions and controls: the trading job's log"
)
INBOX = Topic("inbox", "copies of admitted messages, one for each recipient (attribute recipient)")
DECISIONS = Topic("decisions", "what each model-backed agent answered, holds too")
REASONING = Topic("reasoning", "why it answered so")
POSITIONS = Topic("positions", "every change of a position")
ROWS = Topic("rows", "table rows (attribute table), from every job to export")
DEAD_LETTERS = Topic("dead-letters", "what was refused, and why")

TOPICS = (
    MARKET_DATA, MESSAGES, SNAPSHOTS, TRADING, INBOX, DECISIONS, REASONING, POSITIONS, ROWS, DEAD_LETTERS,
)  # fmt: skip

MARKET_JOB = Subscription("market-data-market", MARKET_DATA, "the market job")
PAPER_VENUE = Subscription(
    "market-data-paper-venue", MARKET_DATA, "the paper venue inside the execution service"
)
COORDINATION_JOB = Subscription("messages-coordination", MESSAGES, "the coordination job")
DECISIONS_JOB = Subscription("snapshots-decisions", SNAPSHOTS, "the decisions job")
TRADING_JOB = Subscription("trading-trading", TRADING, "the trading job")
EXPORT_JOB = Subscription("rows-export", ROWS, "the export job")
DEAD_LETTER_WATCH = Subscription("dead-letters-watch", DEAD_LETTERS, "whoever looks into what was refused")

SUBSCRIPTIONS = (
    MARKET_JOB, PAPER_VENUE, COORDINATION_JOB, DECISIONS_JOB, TRADING_JOB, EXPORT_JOB, DEAD_LETTER_WATCH,
)  # fmt: skip


def inbox_of(agent: str) -> Subscription:
    """The subscription on inbox that holds what is addressed to `agent`."""
    return Subscription(
        f"inbox-{agent}", INBOX, f"{agent}'s inbox", filter=f'attributes.recipient = "{agent}"'
    )


def market_data_for(bot: str) -> Subscription:
    """A local stand-in bot's own subscription to the market; a real bot has the venue's feed instead."""
    return Subscription(f"market-data-{bot}", MARKET_DATA, f"{bot}'s view of the market")
