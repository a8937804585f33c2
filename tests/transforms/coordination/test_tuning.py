"""The tuner on the desk: suggested it is rows; applied it goes through the desk's own log like a person's control."""

from functools import partial

import pytest

from contracts.controls import Control, ControlAction
from contracts.message import Message
from tests.transforms.coordination.desk import ROSTER, Talk, control, message, risk, rows
from tests.transforms.jobs import raw, run_stream
from transforms.coordination.desk import CONTROLS, Coordination
from transforms.coordination.tuner import ISSUER, Tuning
from transforms.core import Output

AGENTS = {"ann", "bob", "cid"}


def talk(tuning: Tuning) -> Talk:
    return Talk(Coordination("main", ROSTER, tuning))


def update(at: float, volatility: float | None, sender: str = "trading") -> Message:
    return message(sender, at, risk().model_copy(update={"volatility": volatility}))


def wilder(desk: Talk) -> list[Output]:
    """A usual minute, and five minutes later a market that is a third above what it has been on average."""
    assert rows(desk.hear(update(0, 0.02)), "threshold_suggestions") == []
    return desk.hear(update(300, 0.04))


def test_suggested_it_is_rows_and_nothing_else() -> None:
    desk = talk(Tuning.SUGGEST)
    outputs = wilder(desk)
    found = rows(outputs, "threshold_suggestions")
    assert {row.agent for row in found} == AGENTS
    first = found[0]
    assert (first.threshold, first.suggested, first.applied) == (0.6, 0.641, False)
    assert first.regime == pytest.approx(1.333, abs=0.01)
    assert len({row.row_id for row in found}) == 3
    assert [output for output in outputs if output.port == CONTROLS] == []
    assert desk.core._participation.threshold("ann") == 0.6


def test_applied_it_asks_by_control_and_the_control_is_audited_like_others() -> None:
    desk = talk(Tuning.APPLY)
    outputs = wilder(desk)
    asked = [output.value for output in outputs if output.port == CONTROLS]
    assert {said.recipient for said in asked} == AGENTS
    assert desk.core._participation.threshold("ann") == 0.6
    (said,) = (said for said in asked if said.recipient == "ann")
    assert isinstance(said.payload, Control)
    assert (said.sender, said.payload.issued_by, said.payload.threshold) == (ISSUER, ISSUER, 0.641)
    followed = desk.hear(said)
    (row,) = rows(followed, "controls")
    assert (row.action, row.issued_by, row.agent, row.before, row.after) == (
        ControlAction.THRESHOLD,
        "tuner",
        "ann",
        "0.6",
        "0.641",
    )
    assert "as volatile as usual" in row.reason
    assert desk.core._participation.threshold("ann") == 0.641
    assert [row.recipient for row in rows(followed, "deliveries")] == ["ann"]


def test_off_it_is_not_there() -> None:
    desk = talk(Tuning.OFF)
    assert rows(wilder(desk), "threshold_suggestions") == []


def test_only_the_desks_own_word_about_its_risk_counts() -> None:
    desk = talk(Tuning.SUGGEST)
    desk.hear(update(0, 0.02))
    assert rows(desk.hear(update(300, 0.04, sender="ann")), "threshold_suggestions") == []


def test_a_persons_threshold_is_the_new_middle_and_the_tuners_own_is_not() -> None:
    desk = talk(Tuning.SUGGEST)
    desk.hear(update(0, 0.02))
    desk.hear(message("console", 1, control(ControlAction.THRESHOLD, agent="ann", threshold=0.3)))
    own = Control(action=ControlAction.THRESHOLD, issued_by=ISSUER, agent="bob", threshold=0.3)
    desk.hear(message(ISSUER, 2, own))
    found = {row.agent: row.suggested for row in rows(desk.hear(update(300, 0.02)), "threshold_suggestions")}
    assert found == {"bob": 0.35}


def test_it_survives_a_restart() -> None:
    before = talk(Tuning.SUGGEST)
    before.hear(update(0, 0.02))
    after = talk(Tuning.SUGGEST)
    after.core.restore(before.core.dump())
    assert after.core.dump() == before.core.dump()
    again = rows(after.hear(update(300, 0.04)), "threshold_suggestions")
    assert [row.suggested for row in again] == [0.641] * 3


def test_on_a_stream_it_lives_in_the_state_between_bundles() -> None:
    log = [update(0, 0.02), update(299, 0.04), update(300, 0.04), update(400, 0.04)]

    def script(stream):
        for said in log:
            stream = stream.add_elements([raw(said)])
        return stream

    run = run_stream(script, partial(Coordination, roster=ROSTER, tuning=Tuning.APPLY))
    assert {said.recipient for said in run.values(CONTROLS)} == AGENTS
    assert {said.correlation_id for said in run.values(CONTROLS)} == {log[2].message_id}
