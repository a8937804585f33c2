"""The summary of a run, as its JSON file has it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from contracts.topics import DEAD_LETTERS
from infra.local.accounting import Balance
from infra.local.evidence import Evidence


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of them do not exceed (nearest rank); there is one."""
    return sorted(samples)[max(0, math.ceil(share * len(samples)) - 1)]


def quantiles(latency_ms: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """p50 and p99 of each latency that has samples, in milliseconds."""
    return {
        name: {"p50": round(percentile(samples, 0.50), 1), "p99": round(percentile(samples, 0.99), 1)}
        for name, samples in latency_ms.items()
        if samples
    }


@dataclass(frozen=True, slots=True)
class Summary:
    """One run: how long it took to start and traded, what happened, and whether the accounts balance.

    `models` are the calls by the model that answered them.
    """

    seconds: float
    evidence: Evidence
    verdicts: Mapping[str, int]
    accounts: Mapping[str, Balance]
    startup_seconds: float = 0.0
    models: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """What happened, by name; from BigQuery's tables wherever they tell it."""
        tables = self.evidence.tables
        published = self.evidence.published or {}
        return {
            "market_events": self.evidence.flow("replay", "out"),
            "market_bars": tables.get("market_bars", 0),
            "snapshots": tables.get("snapshots", 0),
            "messages": tables.get("messages", 0),
            "deliveries": self.verdicts.get("deliveries", 0),
            "throttled": self.verdicts.get("throttled", 0),
            "suppressed": self.verdicts.get("suppressed", 0),
            "model_calls": tables.get("model_calls", 0),
            "decisions": tables.get("decisions", 0),
            "risk_verdicts": tables.get("risk_verdicts", 0),
            "refused_proposals": self.verdicts.get("refused_proposals", 0),
            "orders": tables.get("orders", 0),
            "executions": tables.get("executions", 0),
            "fills": self.verdicts.get("fills", 0),
            # Both witnesses should agree; when they do not, the worse one counts.
            "dead_letters": max(published.get(DEAD_LETTERS.name, 0), tables.get("dead_letters", 0)),
        }

    def as_json(self) -> dict[str, Any]:
        """The summary's JSON."""
        equity = self.evidence.equity
        return {
            "seconds": round(self.seconds, 1),
            "startup_seconds": round(self.startup_seconds, 1),
            "counts": self.counts,
            "models": dict(self.models),
            "tables": dict(self.evidence.tables),
            "latency_ms": quantiles(self.evidence.latency_ms),
            "equity": None if equity is None else float(equity),
            "accounting": {stage: account.as_json() for stage, account in self.accounts.items()},
        }

    def write(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        pending = path.with_name(f".{path.name}.pending")
        pending.write_bytes(orjson.dumps(self.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
        pending.replace(path)
