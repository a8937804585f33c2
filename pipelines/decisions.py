"""The decisions job: reads snapshots; keeps each agent's context, asks its endpoint, publishes what it decided.

python -m pipelines.decisions --project PROJECT                                # a stream, on the direct runner
python -m pipelines.decisions --input snapshots.jsonl --output out/            # a recorded log; the same bytes every time
"""

import json
from argparse import ArgumentParser
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.pvalue import PCollection

from agents.endpoints.asking import Connection
from agents.endpoints.client import VertexConnection
from agents.endpoints.directory import EndpointMissing, Vertex, VertexUnreachable, find_endpoints
from agents.endpoints.handler import DecisionHandler
from agents.endpoints.in_process import InProcess
from contracts import topics
from contracts.roster import EndpointBacking, Roster, RosterError, read_roster
from contracts.settings import Settings
from pipelines.launch import Job, LaunchError, main
from pipelines.options import JobOptions
from pipelines.wiring import Publish, ReadLog
from transforms.core import DEAD_LETTERS, ROWS
from transforms.decisions.consequences import (
    DECISIONS,
    INSIGHTS,
    PROPOSALS,
    REASONING,
    THESES,
    USAGES,
)
from transforms.decisions.deciding import Decide
from transforms.decisions.readers import AgentContexts, ContextIntake
from transforms.ordering import ApplyInOrder

VERTEX, IN_PROCESS = "vertex", "in_process"


class DecisionsOptions(PipelineOptions):
    """What the decisions job alone can be told."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--endpoints",
            choices=(VERTEX, IN_PROCESS),
            help="who is asked: Vertex AI (a stream's default), or the stand-in rules in this process (a bounded run's)",
        )
        parser.add_argument(
            "--endpoint_names", help="JSON {display name: resource name}; else they are looked up"
        )
        parser.add_argument(
            "--call_deadline_seconds", type=float, default=5.0, help="a call, retries included"
        )
        parser.add_argument(
            "--call_attempts", type=int, default=3, help="after 429, 5xx and broken connections"
        )


def preflight(options: JobOptions) -> None:
    """Look up the endpoints of the roster once; raises `LaunchError` for one that is missing or has no model."""
    own = options.view_as(DecisionsOptions)
    own.endpoints = own.endpoints or (VERTEX if options.is_streaming else IN_PROCESS)
    if own.endpoints == IN_PROCESS or own.endpoint_names:
        return
    backings = (profile.backing for profile in _roster(options).agents)
    names = [backing.endpoint for backing in backings if isinstance(backing, EndpointBacking)]
    try:
        own.endpoint_names = json.dumps(find_endpoints(_vertex(options), names))
    except (EndpointMissing, VertexUnreachable) as error:
        raise LaunchError(str(error)) from None


def build(pipeline: beam.Pipeline, options: JobOptions) -> PCollection:
    """Wire the job into `pipeline`."""
    roster = _roster(options)
    handler = DecisionHandler(roster, _connection(options, roster), tells_latency=options.is_streaming)
    return (
        pipeline
        | "Read snapshots" >> ReadLog(options, topics.DECISIONS_JOB)
        | "Keep contexts"
        >> ApplyInOrder(
            "decisions",
            ContextIntake(roster),
            AgentContexts(roster),
            streaming=options.is_streaming,
            dead_letter_limit=options.dead_letter_limit,
        )
        | "Decide" >> Decide(handler)
        | "Publish"
        >> Publish(
            options,
            {
                PROPOSALS: topics.TRADING,
                THESES: topics.MESSAGES,
                INSIGHTS: topics.MESSAGES,
                DECISIONS: topics.DECISIONS,
                REASONING: topics.REASONING,
                USAGES: topics.SNAPSHOTS,
                ROWS: topics.ROWS,
                DEAD_LETTERS: topics.DEAD_LETTERS,
            },
        )
    )


def _connection(options: JobOptions, roster: Roster) -> Connection:
    own = options.view_as(DecisionsOptions)
    if own.endpoints != VERTEX:
        return InProcess.of(roster)
    return VertexConnection(
        _vertex(options),
        json.loads(own.endpoint_names or "{}"),
        deadline_seconds=own.call_deadline_seconds,
        attempts=own.call_attempts,
    )


def _vertex(options: JobOptions) -> Vertex:
    settings = Settings()
    project = options.view_as(GoogleCloudOptions).project or settings.project
    return Vertex(
        project, settings.location, settings.vertex_url, settings.endpoint_hosts, settings.endpoint_ca
    )


def _roster(options: JobOptions) -> Roster:
    try:
        return read_roster(Path(options.roster))
    except RosterError as error:
        raise LaunchError(str(error)) from None


JOB = Job("decisions", topics.DECISIONS_JOB, build, preflight)

if __name__ == "__main__":
    main(JOB)
