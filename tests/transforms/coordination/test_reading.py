"""Coordination's log takes no state that coordination did not write: it would stop the job."""

from pathlib import Path

import orjson
import pytest

from contracts.controls import Control, ControlAction
from contracts.refusals import Reason, Refusal
from contracts.roster import read_roster
from contracts.settings import Settings
from contracts.time import to_micros
from tests.transforms.coordination.desk import message, risk
from transforms.coordination.desk import Coordination
from transforms.coordination.reading import CoordinationIntake
from transforms.coordination.tuner import Tuning
from transforms.log import LogEntry, Raw

ROSTER = Path(Settings.model_fields["roster"].default)
STATE = orjson.loads(Coordination("main", read_roster(ROSTER)).dump())


def read(state: dict, core: str = "coordination") -> None:
    control = Control(action=ControlAction.RESTORE, issued_by="x", core=core, state=state)
    CoordinationIntake(str(ROSTER)).read(Raw(message("launcher", 0, control).to_json(), {}, 0))


def test_its_own_state_is_taken() -> None:
    read(STATE)


def test_the_state_of_a_lively_desk_is_taken() -> None:
    desk = Coordination("main", read_roster(ROSTER), Tuning.SUGGEST)
    budget = {"seconds_per_message": 1, "burst": 2}
    changes: list[dict] = [
        {"action": "threshold", "agent": "qwen-7b", "threshold": 0.3},
        {"action": "budget", "agent": "qwen-7b", "message_class": "chatter", "budget": budget},
        {"action": "mute", "agent": "qwen-7b"},
    ]
    said = [message("console", 0, Control(issued_by="mia", **change)) for change in changes]
    said += [message("trading", at, risk(volatility=at)) for at in (0.5, 2.0, 400.0)]
    said += [message("deepseek-v3", 401), message("eve", 402)]
    for position, one in enumerate(said, start=1):
        desk.apply(LogEntry("main", position, False, to_micros(one.event_time), one))
    read(orjson.loads(desk.dump()))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {**STATE, "now": "noon"},
        {**STATE, "now": "5"},
        {**STATE, "throttle": [["qwen-7b", "chatter", "soon", 10, 3, False]]},
        {**STATE, "throttle": [["qwen-7b", "gossip", 0, 10, 3, False]]},
        {**STATE, "throttle": [["qwen-7b", "chatter", 0, 10, 3]]},
        {**STATE, "activity": [0, "much", STATE["activity"][2]]},
        {**STATE, "participation": [{"qwen-7b": "low"}, {}]},
        {**STATE, "activity": [10**18, 1.0, STATE["activity"][2]]},
        {**STATE, "seen": [0, 3, ""]},
        {**STATE, "seen": {"qwen-7b": ["soon", "", ""]}},
        {**STATE, "seen": {"qwen-7b": [0, "AAAA", ""]}},
        {**STATE, "seen": {"qwen-7b": [0, "no base64", ""]}},
        {**STATE, "tuner": [{}, {}, 0, 0, "heavy", 0.0, 0.0]},
        {**STATE, "mood": "good"},
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
