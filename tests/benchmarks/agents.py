"""The agents: how good the forecasts and the decisions are on real data, and what batching of calls brings."""

from tests.benchmarks import call_batching, decision_quality, forecast_quality
from tests.benchmarks.figure import Figures


def measure() -> Figures:
    """Everything of docs/agents.md that is measured; all but the batching is the same at every run."""
    return {**decision_quality.measure(), **forecast_quality.measure(), **call_batching.measure()}
