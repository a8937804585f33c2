"""Launching a job: options, preflight, run, and telling the live view how it goes."""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import apache_beam as beam
import redis
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import GoogleCloudOptions, SetupOptions, StandardOptions
from apache_beam.runners.runner import PipelineResult
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import pubsub_v1

from contracts.coder import register_contract_coders
from contracts.core_states import Teller, field_of
from contracts.live_view import LiveView
from contracts.refusals import Refusal
from contracts.settings import Settings
from contracts.time import WallClock
from contracts.topics import Subscription
from pipelines.known_options import OptionError, check_options
from pipelines.launch_error import LaunchError as LaunchError
from pipelines.local_runner import Pulling, remember_dofns, remember_signatures
from pipelines.options import JobOptions
from transforms.counting import METRICS, process_tally
from transforms.keeping import KeptCores

BOUNDED_RUNNER = "FnApiRunner"
STREAMING_RUNNER = "BundleBasedDirectRunner"

_LOCAL_RUNNERS = {STREAMING_RUNNER, "DirectRunner", "SwitchingDirectRunner"}
_TELL_EVERY_SECONDS = 1.0

_STOP_SECONDS = 3.0
"""How long a job that is told to stop may take to finish what it pulled; the supervisor waits 5 s."""


def _nothing_to_look_for(options: JobOptions) -> None:
    """The preflight of a job that needs nothing outside but its subscription."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is launched: its name, what it reads, and how it is built into a pipeline.

    `preflight` looks for what the job needs outside; it may fill in options, and raises `LaunchError`. A job that
    `keeps_state` has its core's state told to the live view. `holds_seconds` is how long it may hold what it took.
    """

    name: str
    subscription: Subscription
    build: Callable[[beam.Pipeline, JobOptions], object]
    preflight: Callable[[JobOptions], None] = _nothing_to_look_for
    keeps_state: bool = False
    holds_seconds: float = 0.0


def main(job: Job, arguments: Sequence[str] | None = None) -> None:
    """The `python -m pipelines.<job>` of a job; user errors are one sentence and exit code 2."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        launch(job, arguments)
    except LaunchError as error:
        sys.stderr.write(f"{job.name}: {error}\n")
        sys.exit(2)


def launch(job: Job, arguments: Sequence[str] | None = None) -> None:
    """Run the job until its input ends (bounded) or it is told to stop (streaming: SIGTERM, SIGINT)."""
    register_contract_coders()
    options = JobOptions(arguments)
    try:
        check_options(sys.argv[1:] if arguments is None else arguments)
    except OptionError as error:
        raise LaunchError(str(error)) from None
    _settle(job, options)
    job.preflight(options)
    pipeline = beam.Pipeline(options=options)
    try:
        job.build(pipeline, options)
    except Refusal as refusal:  # of what its log would begin with
        raise LaunchError(
            f"the job's last state cannot be taken up: {refusal}; start without it: --restore none"
        ) from None
    if options.is_streaming:
        _check_subscription(job, options)
        _run_stream(job, pipeline, options)
    else:
        _run_bounded(job, pipeline, options)


def _settle(job: Job, options: JobOptions) -> None:
    """Fill in what follows from the rest: the runner from the mode, the project from the environment."""
    standard = options.view_as(StandardOptions)
    if bool(options.input) != bool(options.output):
        raise LaunchError("a bounded run needs both --input FILE and --output DIR")
    if options.input and standard.streaming:
        raise LaunchError("--streaming reads Pub/Sub; leave it out to read --input")
    if options.input and not Path(options.input).exists():
        raise LaunchError(f"there is no file {options.input}")
    if not options.input:
        standard.streaming = True
    standard.runner = standard.runner or (STREAMING_RUNNER if standard.streaming else BOUNDED_RUNNER)
    google = options.view_as(GoogleCloudOptions)
    google.project = google.project or Settings().project
    google.job_name = google.job_name or f"sapphire-{job.name}"
    # Everything that is pickled lives in an importable module, so __main__ need not travel.
    options.view_as(SetupOptions).save_main_session = False


def _check_subscription(job: Job, options: JobOptions) -> None:
    """Preflight: name what is missing before a pipeline that would wait for it forever is started."""
    path = job.subscription.path(options.view_as(GoogleCloudOptions).project)
    try:
        with pubsub_v1.SubscriberClient() as subscriber:
            subscriber.get_subscription(subscription=path, timeout=10)
    except NotFound:
        raise LaunchError(
            f"there is no subscription {path}: create it with `sapphire topics create`"
        ) from None
    except GoogleAPICallError as error:
        raise LaunchError(f"Pub/Sub cannot be asked for {path}: {error.message}") from None


def _run_bounded(job: Job, pipeline: beam.Pipeline, options: JobOptions) -> None:
    result = pipeline.run()
    result.wait_until_finish()
    counts = ", ".join(f"{name} {count}" for name, count in sorted(_counts(result).items()))
    sys.stderr.write(f"{job.name}: {counts or 'nothing to do'}; written to {options.output}\n")


def _run_stream(job: Job, pipeline: beam.Pipeline, options: JobOptions) -> None:
    if options.view_as(StandardOptions).runner not in _LOCAL_RUNNERS:
        pipeline.run()
        return  # the service runs it from here on; a Flex Template's launcher must not wait
    remember_signatures()
    remember_dofns()
    pulling = Pulling()
    result = pipeline.run()
    stopping, ended = threading.Event(), threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=_watch, args=(result, ended), daemon=True).start()
    live = _LiveFlow(job, options.desk)
    live.tell()
    while not stopping.wait(_TELL_EVERY_SECONDS) and not ended.is_set():
        live.tell()
    if not stopping.is_set():
        live.tell()
        raise LaunchError(f"the pipeline ended by itself ({result.state}); the log above says why")
    if ended.is_set() or not pulling.stop(_STOP_SECONDS):
        logging.getLogger(__name__).warning("stopped with something still under way: it is lost")
    time.sleep(job.holds_seconds)
    live.tell()
    result.cancel()


def _watch(result: PipelineResult, ended: threading.Event) -> None:
    """A local stream never ends, unless something in it failed."""
    try:
        result.wait_until_finish()
    except Exception:
        logging.getLogger(__name__).exception("the pipeline failed")
    ended.set()


def _counts(result: PipelineResult) -> dict[str, int]:
    """Our Beam counters by name, summed over the steps that count them."""
    counters = result.metrics().query(MetricsFilter().with_namespace(METRICS))["counters"]
    counts: dict[str, int] = {}
    for counter in counters:
        name = counter.key.metric.name
        value = counter.committed if counter.committed is not None else counter.attempted
        counts[name] = counts.get(name, 0) + (value or 0)
    return counts


class _LiveFlow:
    """Writes a local job's counters and its core's state to the live view; a missing Redis is said once."""

    def __init__(self, job: Job, desk: str) -> None:
        self._job = job
        self._view = LiveView(desk)
        self._redis = redis.Redis.from_url(Settings().redis_url, socket_timeout=1.0)
        self._log = logging.getLogger(__name__)
        self._reachable = True
        self._told_position = 0

    def tell(self) -> None:
        try:
            counts: dict[Any, Any] = {"ready": 1, **process_tally()}
            self._redis.hset(self._view.flow(self._job.name), mapping=counts)
            if self._job.keeps_state:
                self._tell_states()
            self._reachable = True
        except redis.RedisError as error:
            if self._reachable:
                self._log.warning("the live view cannot be written: %s", error)
            self._reachable = False

    def _tell_states(self) -> None:
        for row in KeptCores.of(self._job.name).rows(self._job.name, WallClock().now):
            if row.desk == self._view.desk and row.position != self._told_position:
                field = field_of(row.core, Teller.JOB)
                self._redis.hset(self._view.core_states, field, row.to_json())
                self._told_position = row.position
