"""The options of every job."""

from argparse import ArgumentParser
from enum import StrEnum

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from contracts.settings import Settings
from transforms.coordination.tuner import Tuning


class Restore(StrEnum):
    """What a stream that has no state begins with."""

    LATEST = "latest"
    """The last state in the live view."""

    TABLE = "table"
    """The last state in BigQuery, for when the live view was lost."""

    NONE = "none"
    """Nothing."""


class JobOptions(PipelineOptions):
    """What all jobs can be told; Beam's own options (--runner, --project, --region, ...) go beside these."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        settings = Settings()
        parser.add_argument(
            "--input", help="bounded run: a recorded log (JSONL of messages), or a recording for market"
        )
        parser.add_argument("--output", help="bounded run: the directory for <name>.jsonl")
        parser.add_argument("--desk", default=settings.desk, help="the desk that the job works for")
        parser.add_argument("--roster", default=str(settings.roster), help="the roster's YAML file")
        parser.add_argument(
            "--limits", default=str(settings.limits), help="trading: the YAML file of the desk's limits"
        )
        parser.add_argument("--dataset", default=settings.dataset, help="BigQuery dataset of the tables")
        parser.add_argument(
            "--dead_letter_limit",
            type=int,
            default=1_000,
            help="stop the job after so many refused messages in a row; 0 is never",
        )

        parser.add_argument(
            "--restore",
            choices=[str(choice) for choice in Restore],
            default=str(Restore.LATEST),
            help="a stream without state (coordination, trading) begins with its last one: from the live view, "
            "from its table, or with none",
        )
        parser.add_argument(
            "--tuner",
            choices=[str(choice) for choice in Tuning],
            default=str(Tuning.SUGGEST),
            help="coordination: participation thresholds that would suit the market and the desk's talk are not "
            "looked for, told as rows, or also put into force by controls",
        )

    @property
    def is_streaming(self) -> bool:
        """Whether the job reads Pub/Sub (else files)."""
        return bool(self.view_as(StandardOptions).streaming)
