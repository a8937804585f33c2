"""Controls: each action has what it needs, or says what is missing."""

import pytest
from pydantic import ValidationError

from contracts.controls import Budget, Control, ControlAction, MessageClass


@pytest.mark.parametrize(
    ("action", "missing"),
    [
        ("threshold", "agent, threshold"),
        ("budget", "agent, message_class, budget"),
        ("mute", "agent"),
        ("goal", "goal"),
        ("restore", "core, state"),
    ],
)
def test_an_action_without_its_needs_is_refused(action, missing):
    with pytest.raises(ValidationError, match=f"a {action} control needs {missing}"):
        Control(action=action, issued_by="operator")


@pytest.mark.parametrize("action", ["kill", "release"])
def test_kill_and_release_need_nothing(action):
    assert Control(action=action, issued_by="operator").action is ControlAction(action)


@pytest.mark.parametrize("message_class", [MessageClass.CRITICAL, MessageClass.RECORD])
def test_critical_messages_have_no_budget(message_class):
    with pytest.raises(ValidationError, match="have no budget"):
        Control(
            action="budget", issued_by="operator", agent="qwen-7b", message_class=message_class,
            budget=Budget(seconds_per_message=1, burst=1),
        )  # fmt: skip
