"""The live view: what Redis holds of the running desk, for the console, the gateway and the terminal.

Written by export (from rows) and by each process about itself; everything in it can be made anew from BigQuery, so losing
it costs a picture and never a fact.
"""

from dataclasses import dataclass

SAMPLES_KEPT = 10_000
"""Latency samples kept for each name."""


@dataclass(frozen=True, slots=True)
class LiveView:
    """The keys of one desk's live view; each property says what is stored under it."""

    desk: str

    @property
    def counts(self) -> str:
        """Hash: what export counted in rows: `rows:<table>`, admitted, throttled, deliveries, suppressed, fills, ..."""
        return f"sapphire:{self.desk}:counts"

    @property
    def portfolio(self) -> str:
        """String: the latest PortfolioRow as JSON; its `allocations` are the metric portfolio_allocation_pct by agent."""
        return f"sapphire:{self.desk}:portfolio"

    @property
    def positions(self) -> str:
        """Hash: `<agent>/<symbol>` to the latest PositionRow as JSON."""
        return f"sapphire:{self.desk}:positions"

    @property
    def allocations(self) -> str:
        """Hash: agent to the latest AllocationRow as JSON."""
        return f"sapphire:{self.desk}:allocations"

    @property
    def guidance(self) -> str:
        """Hash: agent to the latest Guidance payload as JSON."""
        return f"sapphire:{self.desk}:guidance"

    @property
    def activity(self) -> str:
        """Hash: agent to JSON {activity_score, last_event_time}: when it last said something, and its score then."""
        return f"sapphire:{self.desk}:activity"

    @property
    def communication(self) -> str:
        """Hash: `<agent>/<window_seconds>` to the CommunicationMetric of its newest window as JSON, remainders added."""
        return f"sapphire:{self.desk}:communication"

    @property
    def snapshots(self) -> str:
        """Hash: symbol to the latest SnapshotRow as JSON."""
        return f"sapphire:{self.desk}:snapshots"

    @property
    def core_states(self) -> str:
        """Hash: `<core>/<teller>` to the latest CoreStateRow as JSON; of a core's tellers the newest counts."""
        return f"sapphire:{self.desk}:core_states"

    def latency(self, name: str) -> str:
        """List: the last samples of a latency in milliseconds (message_to_inbox, proposal_to_order, ...)."""
        return f"sapphire:{self.desk}:latency:{name}"

    def flow(self, stage: str) -> str:
        """Hash: a stage's own count of in, out and refused (and of whatever else it counts), since it started."""
        return f"sapphire:{self.desk}:flow:{stage}"
