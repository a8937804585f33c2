import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream

from transforms.counting import counter, process_tally


class _CountEach(beam.DoFn):
    def __init__(self) -> None:
        self._seen = counter("seen_by_test_counting")

    def process(self, element: int) -> None:
        self._seen.inc()


def test_every_bundle_of_a_local_stream_is_counted() -> None:
    stream = TestStream()
    for number in range(20):
        stream = stream.add_elements([number])
    before = process_tally().get("seen_by_test_counting", 0)
    options = PipelineOptions(["--streaming", "--runner", "BundleBasedDirectRunner"])
    with beam.Pipeline(options=options) as pipeline:
        _ = pipeline | stream.advance_watermark_to_infinity() | beam.ParDo(_CountEach())
    assert process_tally()["seen_by_test_counting"] - before == 20
