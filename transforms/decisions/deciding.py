"""Deciding: from the emissions of the contexts to what follows, through the endpoints."""

import logging
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.ml.inference.base import ModelHandler, RunInference
from apache_beam.pvalue import PCollection

from contracts.decisions import CallOutcome, DecisionRequest
from transforms.counting import counter
from transforms.decisions.agent_context import REQUESTS
from transforms.decisions.consequences import consequences
from transforms.emission import Emission


class _FollowUp(beam.DoFn):
    """What follows from an outcome, at the place of its request in the agent's log."""

    def process(self, outcome: CallOutcome) -> Iterator[Emission]:
        counter(f"calls_{outcome.status}").inc()
        request = outcome.request
        key = f"{request.desk}/{request.agent}"
        for number, (port, value) in enumerate(consequences(outcome)):
            yield Emission(port, value, key, request.position, number)


def _is_news(record: logging.LogRecord) -> bool:
    """Beam 2.77 says with every set-up that it cannot measure memory unless its model manager is installed."""
    return "Resource module is not available" not in record.getMessage()


def _request(emission: Emission) -> list[DecisionRequest]:
    return [emission.value]


class Decide(beam.PTransform):
    """Asks for every request among the emissions, and lets all others through.

    `handler` maps DecisionRequests to CallOutcomes (agents/endpoints). It is asked without RunInference's
    batching, which would stamp elements anew: their event time survives.
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
            | "One at a time" >> beam.Map(_request).with_output_types(list[DecisionRequest])
            | "Ask endpoints" >> RunInference(self._handler.with_no_batching())
            | "Follow up" >> beam.ParDo(_FollowUp()).with_output_types(Emission)
        )
        return (decided, others) | "Together" >> beam.Flatten()
