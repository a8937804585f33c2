"""Publishing: the one step by which a job's emissions leave it, to Pub/Sub or (bounded) to files.

One step with the ordinary client instead of a native sink for each topic: it was measured at a quarter of the latency, and
it keeps ordering keys, which the native sink drops.
"""

import shutil
from collections.abc import Iterable, Mapping
from concurrent import futures
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from google.cloud import pubsub_v1

from transforms.counting import counter
from transforms.emission import Emission
from transforms.wire import line, wire

_PUBLISH_DEADLINE_SECONDS = 60


class _Publish(beam.DoFn):
    """Publishes each emission to its port's topic; a bundle is done when Pub/Sub has taken all of it."""

    def __init__(self, topics: Mapping[str, str]) -> None:
        self._topics = dict(topics)
        self._counters = {port: counter(port) for port in topics}

    def setup(self) -> None:
        self._client = pubsub_v1.PublisherClient(
            batch_settings=pubsub_v1.types.BatchSettings(max_latency=0.001, max_messages=500),
            publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True),
        )

    def start_bundle(self) -> None:
        self._pending: list[futures.Future] = []

    def process(self, emission: Emission) -> None:
        data, attributes, ordering_key = wire(emission.value)
        attributes["sent_at"] = emission.sent_at or datetime.now(UTC).isoformat()
        topic = self._topics[emission.port]
        publish: Any = self._client.publish  # its keywords are attributes, which its annotation does not know
        self._pending.append(publish(topic, data, ordering_key=ordering_key, **attributes))
        self._counters[emission.port].inc()

    def finish_bundle(self) -> None:
        for future in self._pending:
            future.result(timeout=_PUBLISH_DEADLINE_SECONDS)

    def teardown(self) -> None:
        self._client.stop()


class PublishToTopics(beam.PTransform):
    """Emissions to Pub/Sub: `topics` gives the full topic name for each port."""

    def __init__(self, topics: Mapping[str, str]) -> None:
        super().__init__()
        self._topics = topics

    def expand(self, emissions: PCollection) -> PCollection:
        """Nothing comes out; the step's counters say how much went to each port."""
        return emissions | "Publish" >> beam.ParDo(_Publish(self._topics)).with_output_types(None)


class _WriteFile(beam.DoFn):
    """Writes one file whole, its lines in the order of the run."""

    def __init__(self, directory: str) -> None:
        self._directory = Path(directory)

    def process(self, element: tuple[str, Iterable[tuple[Any, bytes]]]) -> None:
        name, lines = element
        self._directory.mkdir(parents=True, exist_ok=True)
        pending = self._directory / f".{name}.jsonl"
        with pending.open("wb") as file:
            file.writelines(content for _, content in sorted(lines, key=_by_order))
        shutil.move(pending, self._directory / f"{name}.jsonl")


def _by_order(line: tuple[Any, bytes]) -> tuple[Any, bytes]:
    return line


class WriteJsonLines(beam.PTransform):
    """Emissions to `directory/<name>.jsonl`, `names` giving the file of each port; equal input gives equal bytes.

    Every name gets its file, an empty one when nothing was emitted.
    """

    def __init__(self, directory: str, names: Mapping[str, str]) -> None:
        super().__init__()
        self._directory = directory
        self._names = dict(names)

    def expand(self, emissions: PCollection) -> PCollection:
        """Nothing comes out."""
        names = self._names
        counters = {port: counter(port) for port in names}

        def named_line(emission: Emission) -> tuple[str, tuple[tuple[str, int, int], bytes]]:
            counters[emission.port].inc()
            return names[emission.port], (emission.order, line(emission.value))

        line_type = tuple[str, tuple[tuple[str, int, int], bytes]]
        lines = emissions | "To lines" >> beam.Map(named_line).with_output_types(line_type)
        # An empty first line in each file, so that one to which nothing was emitted is there too.
        starts = [(name, (("", 0, 0), b"")) for name in sorted(set(names.values()))]
        files = emissions.pipeline | "Start files" >> beam.Create(starts).with_output_types(line_type)
        return (
            (lines, files)
            | "All lines" >> beam.Flatten()
            | "Group by file" >> beam.GroupByKey()
            | "Write files" >> beam.ParDo(_WriteFile(self._directory)).with_output_types(None)
        )
