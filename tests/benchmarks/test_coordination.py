"""The benchmark of coordination's job: what is measured takes and refuses what the job does."""

from collections import Counter
from pathlib import Path

import pytest

from contracts.controls import Control, ControlAction
from contracts.message import said_by
from tests.benchmarks.coordination import coordination_run, identity_run
from tests.benchmarks.reference_desk import DAY, day_of, roster
from transforms.counting import process_tally


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """250 messages, and a state that coordination did not write."""
    foreign = Control(action=ControlAction.RESTORE, issued_by="x", core="coordination", state={"now": "noon"})
    said = [
        *day_of(seed=1, hours=1)[:250],
        said_by("launcher", foreign, desk=roster().desk, event_time=DAY, derived_from=("x",)),
    ]
    path = tmp_path / "messages.jsonl"
    path.write_bytes(b"".join(message.to_json() + b"\n" for message in said))
    return path


def test_the_job_is_measured_with_its_own_intake(log: Path) -> None:
    before = Counter(process_tally())
    coordination_run(log)
    assert Counter(process_tally()) - before == {"in": 251, "out": 250, "refused": 1}


def test_identity_runs_none_of_the_jobs_steps(log: Path) -> None:
    before = Counter(process_tally())
    identity_run(log)
    assert Counter(process_tally()) - before == {}
