"""Routes: the desk as Prometheus reads it, from the live view and the gateway's own counts."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from agents.gateway.desk import Desk, GatewayDesk, Reader
from agents.gateway.problems import refusals

router = APIRouter(tags=["metrics"], responses=refusals(401, 503))

OF_THE_BOOK = {
    "equity": ("portfolio_equity", "What the desk is worth, in quote currency."),
    "drawdown": ("portfolio_drawdown", "Share of the high-water mark that is lost."),
    "gross_exposure": ("portfolio_gross_exposure", "Value of all positions, in quote currency."),
    "net_exposure": ("portfolio_net_exposure", "Value of long less short positions, in quote currency."),
}
"""Metrics of the desk, by the field of the book that they show."""

OF_AN_AGENT = {
    "allocation_pct": ("portfolio_allocation_pct", "An agent's part of the desk's equity, in per cent."),
    "target_pct": ("portfolio_target_pct", "The part that it was given, in per cent."),
    "drift_pct": ("portfolio_drift_pct", "Its part of all agents' equity less its share of their capital."),
}
"""Metrics of each agent, by the field of its allocation that they show."""


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(reader: Reader, desk: Desk) -> Response:
    """Counts and figures in Prometheus' text format, for any token. What is not known is left out, never told as 0."""
    registry = CollectorRegistry()
    registry.register(_Told(desk, await desk.view.document(desk.keys.portfolio)))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Told:
    """What is known at one moment, as a collector."""

    def __init__(self, desk: GatewayDesk, book: dict[str, Any] | None) -> None:
        self._desk = desk
        self._book = book or {}

    def collect(self) -> Iterator[Metric]:
        """The metrics, in one order."""
        name = self._desk.roster.desk
        for field, (metric, about) in OF_THE_BOOK.items():
            if field in self._book:
                gauge = GaugeMetricFamily(metric, about, labels=("desk",))
                gauge.add_metric((name,), float(self._book[field]))
                yield gauge
        for field, (metric, about) in OF_AN_AGENT.items():
            gauge = GaugeMetricFamily(metric, about, labels=("desk", "agent"))
            for allocation in self._book.get("allocations", ()):
                gauge.add_metric((name, allocation["agent"]), float(allocation[field]))
            yield gauge
        for field, about in _COUNTS.items():
            count = CounterMetricFamily(f"gateway_messages_{field}", about, labels=("desk",))
            count.add_metric((name,), getattr(self._desk.measures, field))
            yield count


_COUNTS = {
    "posted": "Messages that were posted.",
    "published": "Messages that went on to coordination.",
    "refused": "Messages that were refused.",
}
