"""Where a job's messages come from and go to: Pub/Sub in a stream, files in a bounded run; the job is the same."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import apache_beam as beam
import orjson
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.options.pipeline_options import GoogleCloudOptions
from apache_beam.pvalue import PBegin, PCollection

from contracts.time import to_micros
from contracts.topics import Subscription, Topic
from pipelines.options import JobOptions
from transforms.log import Raw
from transforms.publishing import PublishToTopics, WriteJsonLines


def _raw(message: PubsubMessage) -> Raw:
    publish_micros = to_micros(message.publish_time) if message.publish_time else 0
    return Raw(message.data, dict(message.attributes), publish_micros)


def _raw_lines(path: str) -> Iterator[Raw]:
    """The lines of a log; a line `{"table": ..., "row": ...}` (rows.jsonl) becomes a row with its table attribute."""
    with Path(path).open("rb") as file:
        for line in file:
            content = line.rstrip(b"\n")
            if content.startswith(b'{"table":'):
                named = orjson.loads(content)
                yield Raw(orjson.dumps(named["row"]), {"table": named["table"]}, 0)
            elif content:
                yield Raw(content, {}, 0)


class ReadLog(beam.PTransform):
    """The one input of a job: its subscription, or the file that --input names."""

    def __init__(self, options: JobOptions, subscription: Subscription) -> None:
        super().__init__()
        self._options = options
        self._subscription = subscription

    def expand(self, start: PBegin) -> PCollection:
        """Raw messages, nothing about them checked."""
        if not self._options.is_streaming:
            paths = start | "Name the input" >> beam.Create([self._options.input], reshuffle=False)
            return paths | "Read lines" >> beam.FlatMap(_raw_lines).with_output_types(Raw)
        project = self._options.view_as(GoogleCloudOptions).project
        messages = start | "Pull" >> ReadFromPubSub(
            subscription=self._subscription.path(project), with_attributes=True
        )
        return messages | "As raw" >> beam.Map(_raw).with_output_types(Raw)


class Publish(beam.PTransform):
    """The one output step of a job: each port to its topic, or to a file with the topic's name under --output.

    `files` are the ports that only a bounded run still has at its end, with the names of their files.
    """

    def __init__(
        self, options: JobOptions, ports: Mapping[str, Topic], files: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._options = options
        self._ports = ports
        self._files = files or {}

    def expand(self, emissions: PCollection) -> PCollection:
        """Nothing comes out."""
        if not self._options.is_streaming:
            names = {port: topic.name for port, topic in self._ports.items()} | dict(self._files)
            return emissions | "To files" >> WriteJsonLines(self._options.output, names)
        project = self._options.view_as(GoogleCloudOptions).project
        topics = {port: topic.path(project) for port, topic in self._ports.items()}
        return emissions | "To topics" >> PublishToTopics(topics)
