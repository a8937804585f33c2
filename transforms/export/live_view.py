"""The live view: the latest of everything and the counts, in Redis, for the terminal, the gateway and the console."""

import logging
from collections import Counter
from functools import partial
from typing import Any

import apache_beam as beam
import orjson
import redis

from contracts.core_states import Teller, field_of
from contracts.live_view import LiveView
from contracts.message import MessageType
from contracts.rows.communication import CommunicationMetric, DeliveryRow, MessageRow
from contracts.rows.market import SnapshotRow
from contracts.rows.operations import CoreStateRow
from contracts.rows.row import Row
from contracts.rows.trading import AllocationRow, ExecutionRow, PortfolioRow, PositionRow
from transforms.emission import Emission
from transforms.export.newest_window import newest
from transforms.process_wide import once_a_process


class LiveViewUpdate:
    """What a batch of rows changes in the live view, gathered so that it is one round trip; with windows in it, two."""

    def __init__(self, desk: str) -> None:
        self._view = LiveView(desk)
        self._counts: Counter[str] = Counter()
        self._latest: dict[str, dict[Any, Any]] = {}
        self._windows: dict[str, CommunicationMetric] = {}
        self._portfolio: bytes | None = None

    def add(self, row: Row) -> None:
        """Take up one row."""
        self._counts[f"rows:{row.table}"] += 1
        if isinstance(row, MessageRow):
            self._message(row)
        elif isinstance(row, DeliveryRow):
            self._counts["deliveries" if row.delivered else "suppressed"] += 1
            self._counts[f"{'delivered' if row.delivered else 'suppressed'}:{row.recipient}"] += 1
        elif isinstance(row, CommunicationMetric):
            field = f"{row.agent}/{row.window_seconds}"
            self._windows[field] = newest(self._windows.get(field), row)
        elif isinstance(row, ExecutionRow):
            self._counts["fills"] += row.last_quantity is not None
        elif isinstance(row, PortfolioRow):
            self._portfolio = row.to_json()
        elif isinstance(row, PositionRow):
            self._set(self._view.positions, f"{row.agent}/{row.symbol}", row.to_json())
        elif isinstance(row, AllocationRow):
            self._set(self._view.allocations, row.agent, row.to_json())
        elif isinstance(row, CoreStateRow):
            self._set(self._view.core_states, field_of(row.core, Teller.EXPORT), row.to_json())
        elif isinstance(row, SnapshotRow):
            self._set(self._view.snapshots, row.symbol, row.to_json())

    def _message(self, row: MessageRow) -> None:
        self._counts[f"{row.verdict}"] += 1
        self._counts[f"sent:{row.sender}"] += 1
        self._counts[f"{row.verdict}:{row.sender}"] += 1
        activity = {"activity_score": row.activity_score, "last_event_time": row.event_time.isoformat()}
        self._set(self._view.activity, row.sender, orjson.dumps(activity))
        if row.type is MessageType.GUIDANCE and row.recipient is not None:
            self._set(self._view.guidance, row.recipient, row.payload)

    def _set(self, key: str, field: str, value: bytes | str) -> None:
        self._latest.setdefault(key, {})[field] = value

    def write(self, server: redis.Redis) -> None:
        """Write everything in one round trip; where there are windows, after one that asks which are shown."""
        self._add_to_shown(server)
        pipeline = server.pipeline(transaction=False)
        for name, count in self._counts.items():
            pipeline.hincrby(self._view.counts, name, count)
        for key, fields in self._latest.items():
            pipeline.hset(key, mapping=fields)
        if self._portfolio is not None:
            pipeline.set(self._view.portfolio, self._portfolio)
        pipeline.execute()

    def _add_to_shown(self, server: redis.Redis) -> None:
        if not self._windows:
            return
        fields = list(self._windows)
        for field, shown in zip(fields, server.hmget(self._view.communication, fields), strict=True):
            window = newest(_metric(shown), self._windows[field])
            self._set(self._view.communication, field, window.to_json())


def _metric(shown: bytes | str | None) -> CommunicationMetric | None:
    """What is shown; None when it was written by another version and cannot be read."""
    try:
        return None if shown is None else CommunicationMetric.from_json(shown)
    except ValueError:
        return None


class _Update(beam.DoFn):
    """Writes each bundle to the live view; a Redis that is away costs the picture, never a row."""

    def __init__(self, redis_url: str, desk: str) -> None:
        self._redis_url = redis_url
        self._desk = desk

    def setup(self) -> None:
        self._redis = once_a_process(
            "live view", partial(redis.Redis.from_url, self._redis_url, socket_timeout=1.0)
        )
        self._log = logging.getLogger(__name__)

    def start_bundle(self) -> None:
        self._update = LiveViewUpdate(self._desk)

    def process(self, emission: Emission) -> None:
        self._update.add(emission.value)

    def finish_bundle(self) -> None:
        try:
            self._update.write(self._redis)
        except redis.RedisError as error:
            self._log.warning("the live view cannot be written: %s", error)


class UpdateLiveView(beam.PTransform):
    """Emissions of rows to the live view of a desk, a round trip or two a bundle."""

    def __init__(self, redis_url: str, desk: str) -> None:
        super().__init__()
        self._redis_url = redis_url
        self._desk = desk

    def expand(self, emissions: beam.pvalue.PCollection) -> beam.pvalue.PCollection:
        """Nothing comes out."""
        return emissions | "Update" >> beam.ParDo(_Update(self._redis_url, self._desk)).with_output_types(
            None
        )
