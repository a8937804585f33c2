"""The runner's own speed: an identity pipeline on FnApiRunner, the anchor for what our jobs reach on it."""

import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import apache_beam as beam
from apache_beam.coders import VarIntCoder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec

from tests.benchmarks.figure import Figure, Figures

ELEMENTS = 50_000
KEYS = 100
ROUNDS = 3


class _Identity(beam.DoFn):
    """Reads its state, writes it, passes the element on: what a stateful step costs by itself."""

    COUNT = ReadModifyWriteStateSpec("count", VarIntCoder())

    def process(
        self, element: tuple[str, int], count: Any = beam.DoFn.StateParam(COUNT)
    ) -> Iterator[tuple[str, int]]:
        count.write((count.read() or 0) + 1)
        yield element


def identity_rate(elements: int = ELEMENTS) -> float:
    """Elements a second through one keyed stateful identity step, pipeline start included."""
    keyed = [(f"key-{i % KEYS}", i) for i in range(elements)]
    began = time.perf_counter()
    with beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([])) as pipeline:
        _ = (
            pipeline
            | "Elements" >> beam.Create(keyed, reshuffle=False)
            | "Identity" >> beam.ParDo(_Identity()).with_output_types(tuple[str, int])
        )
    return elements / (time.perf_counter() - began)


def measure() -> Figures:
    """The median of a few rounds, after one that warms the imports up."""
    identity_rate(1_000)
    rate = median(identity_rate() for _ in range(ROUNDS))
    return {"identity, keyed and stateful": Figure(rate, "elements/s")}
