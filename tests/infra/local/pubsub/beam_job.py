"""A streaming job for a test of the emulator: publishes `data:double` of each message that it reads."""

import sys

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub, WriteToPubSub
from apache_beam.options.pipeline_options import PipelineOptions


def describe(message: PubsubMessage) -> bytes:
    return bytes(message.data) + b":" + message.attributes["double"].encode()


if __name__ == "__main__":
    subscription, topic = sys.argv[1:]
    options = PipelineOptions(["--runner=BundleBasedDirectRunner", "--streaming"])
    pipeline = beam.Pipeline(options=options)
    (
        pipeline
        | "Read" >> ReadFromPubSub(subscription=subscription, with_attributes=True)
        | "Describe" >> beam.Map(describe)
        | "Publish" >> WriteToPubSub(topic)
    )
    pipeline.run().wait_until_finish()
