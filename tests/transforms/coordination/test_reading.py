"""Coordination's log takes no state that coordination did not write: it would stop the job."""

from pathlib import Path

import orjson
import pytest

from contracts.controls import Control, ControlAction
from contracts.refusals import Reason, Refusal
from contracts.roster import read_roster
from contracts.settings import Settings
from tests.transforms.coordination.desk import message
from transforms.coordination.desk import Coordination
from transforms.coordination.reading import CoordinationIntake
from transforms.log import Raw

ROSTER = Path(Settings.model_fields["roster"].default)
STATE = orjson.loads(Coordination("main", read_roster(ROSTER)).dump())


def read(state: dict, core: str = "coordination") -> None:
    control = Control(action=ControlAction.RESTORE, issued_by="x", core=core, state=state)
    CoordinationIntake(str(ROSTER)).read(Raw(message("launcher", 0, control).to_json(), {}, 0))


def test_its_own_state_is_taken() -> None:
    read(STATE)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {**STATE, "now": "noon"},
        {**STATE, "throttle": [["qwen-7b", "chatter", "soon", 10, 3]]},
        {**STATE, "throttle": [["qwen-7b", "gossip", 0, 10, 3]]},
        {**STATE, "activity": [0, "much", STATE["activity"][2]]},
        {**STATE, "participation": [{"qwen-7b": "low"}, {}]},
        {**STATE, "seen": [0, 3, ""]},
        {**STATE, "muted": 3},
    ],
)
def test_another_is_refused(wrong: dict) -> None:
    with pytest.raises(Refusal) as refused:
        read(wrong)
    assert refused.value.reason is Reason.WRONG_FIELD
    assert "no state that coordination wrote" in refused.value.error


def test_another_jobs_state_passes_by() -> None:
    read({}, core="trading")
