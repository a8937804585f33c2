"""Coordination: what a verdict costs, how fast the job is beside the runner's identity, and who hears whom on a day.

The day is tests/benchmarks/reference_desk.py, the other policies are in tests/benchmarks/coordination_policies.py.
"""

import gc
import tempfile
import time
import timeit
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from contracts import topics
from contracts.controls import MessageClass
from contracts.coordination.activity import Activity
from contracts.coordination.participation import Participation
from contracts.coordination.relevance import facts_of
from contracts.coordination.throttle import Throttle
from contracts.time import to_micros
from pipelines.coordination import coordinate
from pipelines.options import JobOptions
from pipelines.wiring import ReadLog
from tests.benchmarks import inbox_latency
from tests.benchmarks.beam import identity_rate
from tests.benchmarks.coordination_policies import POLICIES, Score, score
from tests.benchmarks.figure import Figure, Figures
from tests.benchmarks.reference_desk import day_of, reference_day, roster
from transforms.log import Raw

ROUNDS = 3
JOB_ROUNDS = 7
CALLS = 20_000
MESSAGES = 30_000
SEEDS = range(1, 11)
MANY = 10_000_000
"""Messages over which the state of an agent must not grow."""


def measure() -> Figures:
    """Verdict and job speed, the growth of the state, the way to an inbox, the day by policy, and other days."""
    return {**_verdicts(), **_job(), **_state(), **inbox_latency.measure(), **_policies(), **_other_days()}


def _verdicts() -> Figures:
    """Throttle, score and participation together, for one broadcast and one possible recipient."""
    desk = roster()
    throttle, activity, participation = Throttle.of(desk), Activity(desk.by_agent), Participation(desk)
    thesis = next(message for message in reference_day() if message.type == "TRADE_THESIS")
    line, sender, facts = (thesis.sender, thesis.message_class), thesis.sender, facts_of(thesis)
    recipient = next(agent for agent in desk.by_agent if agent != sender)
    now = to_micros(thesis.event_time)

    def ask() -> None:
        nonlocal now
        now += 10_000_000
        throttle.take(line, now)
        participation.verdict(facts, recipient, activity.score(sender, now), now)

    return {"verdict with its participation score": Figure(_microseconds(ask), "us")}


def _microseconds(ask: Callable[[], None]) -> float:
    return median(timeit.repeat(ask, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


def _job() -> Figures:
    """A recorded log to emissions on FnApiRunner, pipeline start included, in CPU seconds: other processes do not count."""
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "messages.jsonl"
        log.write_bytes(b"".join(message.to_json() + b"\n" for message in reference_day()[:MESSAGES]))
        runs: dict[str, Callable[[], object]] = {
            "coordination": lambda: coordination_run(log),
            "identity, same messages": lambda: identity_run(log),
            "identity, keyed and stateful": lambda: identity_rate(MESSAGES),
        }
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for run in runs.values():
            run()
        gc.collect()
        gc.freeze()  # the day in memory is the benchmark's: collecting over it would make the runs look more alike
        for _ in range(JOB_ROUNDS):  # in turn, so that a busy machine is busy for all
            for name, run in runs.items():
                rates[name].append(MESSAGES / _cpu_seconds(run))
        gc.unfreeze()
    beside = {name: median(each) for name, each in rates.items()}
    ours = beside.pop("coordination")
    return {"coordination job, FnApiRunner": Figure(ours, "messages/s of CPU", beside)}


def _cpu_seconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def coordination_run(log: Path) -> None:
    """The bounded job over a recorded log, up to its emissions: its own steps, with its own defaults.

    In it are reading the file, addressing, the shuffle, sorting, reading each message with the job's own intake, and the
    core with the tuner as it is by default (it suggests). Not in it is the publish step: identity has none, in a stream it
    mostly waits for Pub/Sub, which is a service, and in a bounded run it writes files.
    """
    options = JobOptions(["--input", str(log)])
    with beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([])) as pipeline:
        _ = pipeline | ReadLog(options, topics.COORDINATION_JOB) | "Coordinate" >> coordinate(options)


def identity_run(log: Path) -> None:
    """What the runner takes for the same without a job: read the same file, group by the one desk, pass each message on."""
    options = JobOptions(["--input", str(log)])
    with beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([])) as pipeline:
        _ = (
            pipeline
            | ReadLog(options, topics.COORDINATION_JOB)
            | "Key" >> beam.Map(_keyed).with_output_types(tuple[str, Raw])
            | "Group" >> beam.GroupByKey()
            | "Pass on" >> beam.FlatMap(_of_the_group).with_output_types(Raw)
        )


def _keyed(raw: Raw) -> tuple[str, Raw]:
    return "main", raw


def _of_the_group(group: tuple[str, Iterable[Raw]]) -> Iterable[Raw]:
    return group[1]


def _state() -> Figures:
    """The rules' state by bytes an agent after a thousand messages and after ten million (deduplication apart)."""
    desk = roster()
    throttle, activity, participation = Throttle.of(desk), Activity(desk.by_agent), Participation(desk)
    classes = (MessageClass.SIGNAL, MessageClass.CHATTER)
    lines = [(profile.agent, message_class) for profile in desk.agents for message_class in classes]
    rules = (throttle, activity, participation)
    sizes: dict[int, float] = {}
    now = to_micros(reference_day()[0].event_time)
    for number in range(1, MANY + 1):
        line = lines[number % len(lines)]
        now += 250_000
        if not throttle.take(line, now):
            activity.message(line[0], now)
            participation.delivered(line[0], now)
        if number in (1_000, MANY):
            sizes[number] = sum(len(repr(rule.state())) for rule in rules) / len(desk.agents)
    return {
        "state per agent after 10 million messages": Figure(
            sizes[MANY], "bytes", {"after 1,000": sizes[1_000]}
        )
    }


_MEASURES: dict[str, tuple[str, Callable[[Score], float]]] = {
    "signals throttled": ("share", lambda score: score.throttled),
    "broadcast deliveries avoided": ("share", lambda score: score.avoided),
    "relevant deliveries retained": ("share", lambda score: score.retained),
    "the same, the misbehaving hour apart": ("share", lambda score: score.retained_of_the_sound),
    "relevant among what was avoided": ("share", lambda score: score.relevant_of_suppressed),
    "relevant among what was delivered": ("share", lambda score: score.relevant_of_delivered),
    "critical messages lost": ("messages", lambda score: score.critical_lost),
    "directed messages lost": ("messages", lambda score: score.directed_lost),
    "most heard sender over the mean": ("x", lambda score: score.balance),
    "floors kept": ("share", lambda score: score.floors),
    "longest spell above twice the mean": ("min", lambda score: score.longest_above_minutes),
    "above twice the mean beyond the decay": ("min", lambda score: score.beyond_decay_minutes),
}

_TARGETS = (
    "signals throttled",
    "broadcast deliveries avoided",
    "critical messages lost",
    "floors kept",
    "longest spell above twice the mean",
    "above twice the mean beyond the decay",
)


def _policies() -> Figures:
    desk, day = roster(), reference_day()
    scores = {name: score(policy(desk), day, desk) for name, policy in POLICIES.items()}
    ours = scores.pop("sapphire")
    return {
        name: Figure(value(ours), unit, {peer: value(theirs) for peer, theirs in scores.items()})
        for name, (unit, value) in _MEASURES.items()
    }


def _other_days() -> Figures:
    """What is aimed at, on the days of ten other seeds: the most, and the least beside it."""
    desk = roster()
    scores = [score(POLICIES["sapphire"](desk), day_of(seed), desk) for seed in SEEDS]
    return {
        f"{name}, most of ten days": Figure(max(values), unit, {"the least": min(values)})
        for name in _TARGETS
        for unit, value in [_MEASURES[name]]
        for values in [[value(each) for each in scores]]
    }
