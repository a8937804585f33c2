"""Publishing: the one step by which a job's emissions leave it, to Pub/Sub or (bounded) to files.

One step with the ordinary client instead of a native sink for each topic: it was measured at a quarter of the latency, and
it keeps ordering keys, which the native sink drops.
"""

import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from google.cloud import pubsub_v1

from transforms.counting import Held, counter
from transforms.emission import Emission
from transforms.ordered_publishing import BundleSending, OrderedPublisher
from transforms.process_wide import once_a_process
from transforms.wire import Wire, lines, rows_in, wire, wire_rows


def _publisher() -> OrderedPublisher:
    # Its keywords are attributes, which the annotation of Google's `publish` does not know.
    client: Any = pubsub_v1.PublisherClient(
        batch_settings=pubsub_v1.types.BatchSettings(max_latency=0.001, max_messages=500),
        publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True),
    )
    return OrderedPublisher(client)


class _Publish(beam.DoFn):
    """Publishes each emission to its port's topic; a bundle is done when Pub/Sub has taken all of it, and fails otherwise.

    The rows of a bundle go together, one message for each table: there are many times more rows than messages.
    """

    def __init__(self, topics: Mapping[str, str]) -> None:
        self._topics = dict(topics)
        self._counters = {port: Held(port) for port in topics}

    def setup(self) -> None:
        self._publisher = once_a_process("publisher", _publisher)

    def start_bundle(self) -> None:
        self._sending = BundleSending(self._publisher)
        self._rows: dict[tuple[str, str, str], list[bytes]] = {}

    def process(self, emission: Emission) -> None:
        topic = self._topics[emission.port]
        found = rows_in(emission.value)
        if found is None:
            self._counters[emission.port].count += 1
            self._publish(topic, wire(emission.value), emission.sent_at or datetime.now(UTC).isoformat())
            return
        table, rows = found
        self._counters[emission.port].count += len(rows)
        self._rows.setdefault((topic, table, emission.sent_at or ""), []).extend(rows)

    def finish_bundle(self) -> None:
        for (topic, table, sent_at), rows in self._rows.items():
            for rows_wire in wire_rows(table, rows):
                self._publish(topic, rows_wire, sent_at)
        self._sending.finish()
        for held in self._counters.values():
            held.tell()

    def _publish(self, topic: str, message: Wire, sent_at: str) -> None:
        if sent_at:
            message = message._replace(attributes={**message.attributes, "sent_at": sent_at})
        self._sending.publish(topic, message)


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

        def named_lines(emission: Emission) -> tuple[str, tuple[tuple[str, int, int], bytes]]:
            written = lines(emission.value)
            counters[emission.port].inc(len(written))
            return names[emission.port], (emission.order, b"".join(written))

        line_type = tuple[str, tuple[tuple[str, int, int], bytes]]
        all_lines = emissions | "To lines" >> beam.Map(named_lines).with_output_types(line_type)
        # An empty first line in each file, so that one to which nothing was emitted is there too.
        starts = [(name, (("", 0, 0), b"")) for name in sorted(set(names.values()))]
        files = emissions.pipeline | "Start files" >> beam.Create(starts).with_output_types(line_type)
        return (
            (all_lines, files)
            | "All lines" >> beam.Flatten()
            | "Group by file" >> beam.GroupByKey()
            | "Write files" >> beam.ParDo(_WriteFile(self._directory)).with_output_types(None)
        )
