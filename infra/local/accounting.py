"""The accounting: what entered each stage is what left it, was refused by it, or is still held.

The two sides of a balance come from different witnesses wherever there are two: what entered a job is
Pub/Sub's count of its subscription, what left it is the job's own; what was published as rows is counted by
the jobs that did, what became of it by BigQuery. So a job that loses a message cannot balance.

| stage | in | out | refused | held |
| --- | --- | --- | --- | --- |
| replay | recorded events due | published | unreadable | not yet sent |
| each job | received by its subscription | handled | dead letters | backlog |
| gateway | posted | published | answered 4xx | - |
| inbox | received by the inboxes | acknowledged by the bots | given up | backlog |
| execution | orders asked for | ended by the venue | rejected | still open |
| rows | published by the jobs, and made by export | in BigQuery | refused by export | not yet read by export |
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from contracts.rows.communication import CommunicationMetric
from contracts.topics import (
    COORDINATION_JOB,
    DEAD_LETTER_WATCH,
    DECISIONS_JOB,
    EXPORT_JOB,
    MARKET_JOB,
    SUBSCRIPTIONS,
    TRADING_JOB,
    inbox_of,
    market_data_for,
)
from infra.local.evidence import Evidence, SubscriptionCounts

READS = {
    "market": MARKET_JOB,
    "coordination": COORDINATION_JOB,
    "decisions": DECISIONS_JOB,
    "trading": TRADING_JOB,
    "export": EXPORT_JOB,
}
"""Which subscription each job reads."""

MUST_DRAIN = tuple(
    subscription.name for subscription in SUBSCRIPTIONS if subscription is not DEAD_LETTER_WATCH
)
"""The subscriptions read as long as the desk stands; inboxes are read by bots, which leave earlier."""


@dataclass(frozen=True, slots=True)
class Balance:
    """One stage's account."""

    entered: int
    left: int
    refused: int = 0
    held: int = 0

    @property
    def difference(self) -> int:
        """What entered and is nowhere; negative when more came out than went in. 0 is balanced."""
        return self.entered - self.left - self.refused - self.held

    def as_json(self) -> dict[str, int]:
        """As the summary writes it."""
        account = asdict(self)
        return {"in": account["entered"], "out": account["left"], "refused": self.refused, "held": self.held}


def balances(evidence: Evidence, jobs: Iterable[str], bots: Iterable[str]) -> dict[str, Balance]:
    """Every stage's account, in the order in which an event passes them."""
    accounts = {"replay": _own(evidence, "replay")}
    accounts |= {job: _job(evidence, job) for job in jobs}
    accounts["gateway"] = _own(evidence, "gateway")
    accounts["inbox"] = _inbox(evidence, bots)
    accounts["execution"] = _own(evidence, "execution", held="open")
    if evidence.tables:
        accounts["rows"] = _rows(evidence)
    return accounts


def unbalanced(accounts: Mapping[str, Balance]) -> list[str]:
    """The stages whose account does not balance, each with what is missing."""
    return [f"{stage} ({account.difference:+d})" for stage, account in accounts.items() if account.difference]


def is_drained(evidence: Evidence) -> bool:
    """Whether nothing waits for a job or for the paper venue."""
    return not any(_counts(evidence, name).backlog for name in MUST_DRAIN)


def is_followed(evidence: Evidence, bots: Iterable[str]) -> bool:
    """Whether the bots have dealt with all of the market that was published; nobody can tell for an emulator of others."""
    return not any(_counts(evidence, market_data_for(bot).name).backlog for bot in bots)


def _own(evidence: Evidence, stage: str, held: str = "held") -> Balance:
    return Balance(*(evidence.flow(stage, name) for name in ("in", "out", "refused", held)))


def _job(evidence: Evidence, job: str) -> Balance:
    if evidence.subscriptions is None:
        return _own(evidence, job)
    counts = _counts(evidence, READS[job].name)
    if job == "export":
        # A message on rows holds many; what became of each is the account of rows.
        return Balance(counts.received, evidence.flow(job, "row_messages"), counts.given_up, counts.backlog)
    return Balance(
        entered=counts.received,
        left=evidence.flow(job, "out"),
        refused=evidence.flow(job, "refused") + counts.given_up,
        held=counts.backlog,
    )


def _inbox(evidence: Evidence, bots: Iterable[str]) -> Balance:
    if evidence.subscriptions is None:
        return _own(evidence, "inbox")
    inboxes = [_counts(evidence, inbox_of(bot).name) for bot in bots]
    return Balance(
        entered=sum(counts.received for counts in inboxes),
        left=sum(counts.acked for counts in inboxes),
        refused=sum(counts.given_up for counts in inboxes),
        held=sum(counts.backlog for counts in inboxes),
    )


def _rows(evidence: Evidence) -> Balance:
    published = sum(evidence.flow(job, "rows") for job in READS)
    unreadable = evidence.flow("export", "refused")
    return Balance(
        # Export makes rows of its own: its windows, and the dead letter of a row that it cannot read.
        entered=published + evidence.counts.get(f"rows:{CommunicationMetric.table}", 0) + unreadable,
        left=sum(evidence.tables.values()),
        refused=unreadable + evidence.flow("export", "rows_refused"),
        held=max(0, published - evidence.flow("export", "in")),
    )


def _counts(evidence: Evidence, subscription: str) -> SubscriptionCounts:
    return (evidence.subscriptions or {}).get(subscription, SubscriptionCounts())
