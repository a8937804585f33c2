"""Running the ordering step in a test: raw messages in, emissions out, on a pinned runner."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam
from apache_beam.coders import registry
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.test_stream import TestStream

from contracts.message import Message
from contracts.rows.communication import Deliveries
from transforms.counting import process_tally
from transforms.emission import Emission
from transforms.intake import MessageIntake
from transforms.log import Raw
from transforms.ordering import ApplyInOrder

_collected: dict[str, list[Emission]] = {}


class _Collect(beam.DoFn):
    """Keeps what comes in this process: both local runners work in it."""

    def __init__(self, run: str) -> None:
        self._run = run

    def process(self, emission: Emission) -> None:
        _collected[self._run].append(emission)


def raw(said: Message | dict[str, Any] | bytes, **attributes: str) -> Raw:
    data = (
        said
        if isinstance(said, bytes)
        else said.to_json()
        if isinstance(said, Message)
        else json.dumps(said).encode()
    )
    return Raw(data, attributes, 0)


class Run:
    """What came out of a run, and what its counters say."""

    def __init__(self, emissions: list[Emission], counts: Counter[str]) -> None:
        self.emissions = sorted(emissions, key=lambda emission: emission.order)
        self.counts = counts

    def values(self, port: str) -> list[Any]:
        """What left by the port, rows one by one."""
        values = [emission.value for emission in self.emissions if emission.port == port]
        return [one for value in values for one in (value.rows if isinstance(value, Deliveries) else [value])]


def run_bounded(raws: Iterable[Raw], core: Callable, runner: str = "FnApiRunner", **how: Any) -> Run:
    source = beam.Create(list(raws), reshuffle=False).with_output_types(Raw)
    return _run(source, core, runner, streaming=False, **how)


def run_stream(script: Callable[[TestStream], TestStream], core: Callable, **how: Any) -> Run:
    source = script(
        TestStream(coder=registry.get_coder(Raw), output_tags=None)
    ).advance_watermark_to_infinity()
    return _run(source, core, "BundleBasedDirectRunner", streaming=True, **how)


def _run(source: beam.PTransform, core: Callable, runner: str, streaming: bool, **how: Any) -> Run:
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = streaming
    name = f"run-{len(_collected)}"
    _collected[name] = []
    pipeline = beam.Pipeline(runner=runner, options=options)
    intake = how.pop("intake", None) or MessageIntake()
    step = ApplyInOrder("coordination", intake, core, streaming=streaming, **how)
    _ = (
        pipeline
        | "Source" >> source
        | "Coordinate" >> step
        | "Collect" >> beam.ParDo(_Collect(name)).with_output_types(None)
    )
    before = Counter(
        process_tally()
    )  # the streaming direct runner's own counters keep the first bundle's alone
    pipeline.run().wait_until_finish()
    return Run(_collected[name], Counter(process_tally()) - before)
