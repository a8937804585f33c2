"""Deciding: from the emissions of the contexts to what follows, through the endpoints."""

import logging
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, RunInference
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from contracts.decisions import CallOutcome, DecisionRequest
from transforms.counting import counter
from transforms.decisions.agent_context import REQUESTS
from transforms.decisions.consequences import consequences
from transforms.emission import Emission

MOST_AT_ONCE = 32
"""So many questions are asked at the same time; the threads of an endpoint bound what each gets of them."""

Stamped = tuple[int, DecisionRequest]
"""A request, and its element's timestamp (microseconds)."""


class _AtOnce(beam.DoFn):
    """The requests of a bundle in lists, to be asked together.

    A list has the timestamp of its earliest request, so that stamping what follows anew moves nothing into the past.
    """

    def start_bundle(self) -> None:
        self._gathered: dict[Any, list[Stamped]] = {}

    def process(
        self,
        emission: Emission,
        moment: Any = beam.DoFn.TimestampParam,
        window: Any = beam.DoFn.WindowParam,
    ) -> Iterator[list[Stamped]]:
        gathered = self._gathered.setdefault(window, [])
        gathered.append((moment.micros, emission.value))
        if len(gathered) == MOST_AT_ONCE:
            del self._gathered[window]
            yield TimestampedValue(gathered, _earliest(gathered))

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for window, gathered in self._gathered.items():
            yield WindowedValue(gathered, _earliest(gathered), (window,))


def _earliest(gathered: list[Stamped]) -> Timestamp:
    return Timestamp(micros=min(micros for micros, _ in gathered))


class _FollowUp(beam.DoFn):
    """What follows from an outcome, at the place of its request in the agent's log and at the time of its element."""

    def process(self, stamped: tuple[int, CallOutcome]) -> Iterator[Emission]:
        micros, outcome = stamped
        counter(f"calls_{outcome.status}").inc()
        request = outcome.request
        key = f"{request.desk}/{request.agent}"
        for number, (port, value) in enumerate(consequences(outcome)):
            emission = Emission(port, value, key, request.position, number)
            yield TimestampedValue(emission, Timestamp(micros=micros))


def _is_news(record: logging.LogRecord) -> bool:
    """Beam 2.77 says with every set-up that it cannot measure memory unless its model manager is installed."""
    return "Resource module is not available" not in record.getMessage()


class Decide(beam.PTransform):
    """Asks for every request among the emissions, and lets all others through.

    `handler` maps DecisionRequests to CallOutcomes (agents/endpoints). The requests of a bundle are handed to it together
    and without RunInference's own batching, which would stamp elements anew: their event time survives.
    """

    def __init__(self, handler: ModelHandler) -> None:
        super().__init__()
        self._handler = handler

    def expand(self, emissions: PCollection) -> PCollection:
        """The emissions that are to be published."""
        logging.getLogger().addFilter(_is_news)
        requests = emissions | "Take requests" >> beam.Filter(lambda emission: emission.port == REQUESTS)
        others = emissions | "Pass others" >> beam.Filter(lambda emission: emission.port != REQUESTS)
        decided = (
            requests
            | "At once" >> beam.ParDo(_AtOnce()).with_output_types(list[Stamped])
            | "Ask endpoints" >> RunInference(KeyedModelHandler(self._handler).with_no_batching())
            | "Follow up" >> beam.ParDo(_FollowUp()).with_output_types(Emission)
        )
        return (decided, others) | "Together" >> beam.Flatten()
