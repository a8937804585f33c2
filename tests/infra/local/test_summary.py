import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.accounting import Balance
from infra.local.evidence import Evidence
from infra.local.summary import Summary, percentile, quantiles

SUMMARY = Summary(
    seconds=60.04,
    evidence=Evidence(
        published={"dead-letters": 2},
        flows={"replay": {"out": 120}},
        equity=Decimal("100250.75"),
        latency_ms={"message_to_inbox": [3.0, 1.0, 2.0], "proposal_to_order": []},
        tables={
            "messages": 9,
            "orders": 3,
            "executions": 6,
            "dead_letters": 1,
            "snapshots": 4,
            "decisions": 5,
        },
    ),
    verdicts={"deliveries": 8, "suppressed": 20, "throttled": 1, "refused_proposals": 2, "fills": 3},
    accounts={"market": Balance(10, 9, 1, 0)},
    startup_seconds=17.26,
    models={"rule:momentum": 3, "smollm2": 2},
)


def test_the_file_is_as_promised(tmp_path: Path) -> None:
    SUMMARY.write(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text()) == {
        "seconds": 60.0,
        "startup_seconds": 17.3,
        "counts": {
            "market_events": 120,
            "market_bars": 0,
            "snapshots": 4,
            "messages": 9,
            "deliveries": 8,
            "throttled": 1,
            "suppressed": 20,
            "model_calls": 0,
            "decisions": 5,
            "risk_verdicts": 0,
            "refused_proposals": 2,
            "orders": 3,
            "executions": 6,
            "fills": 3,
            "dead_letters": 2,
        },
        "models": {"rule:momentum": 3, "smollm2": 2},
        "tables": {
            "messages": 9,
            "orders": 3,
            "executions": 6,
            "dead_letters": 1,
            "snapshots": 4,
            "decisions": 5,
        },
        "latency_ms": {"message_to_inbox": {"p50": 2.0, "p99": 3.0}},
        "equity": 100250.75,
        "accounting": {"market": {"in": 10, "out": 9, "refused": 1, "held": 0}},
    }
    assert list(tmp_path.iterdir()) == [tmp_path / "s.json"]


def test_a_latency_without_samples_is_left_out() -> None:
    assert quantiles({"message_to_inbox": []}) == {}


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)])
def test_percentiles_are_nearest_ranks(share: float, expected: float) -> None:
    assert percentile([float(sample) for sample in range(100, 0, -1)], share) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_sample_that_the_share_does_not_exceed(samples: list[float], share: float) -> None:
    found = percentile(samples, share)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= share * len(samples) - 1e-9
