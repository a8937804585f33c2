"""Controls: from an operator's request to the rows of the controls table."""

import pytest
from fastapi.testclient import TestClient

from agents.gateway.app import create_app
from agents.gateway.controls import MACHINES
from agents.gateway.publisher import BufferFull
from contracts.rows.communication import ControlRow
from contracts.time import to_micros
from pipelines.restoring import LAUNCHER
from tests.agents.gateway.desk import DeskAtNoon, bearer
from transforms.coordination.desk import Coordination
from transforms.coordination.tuner import ISSUER
from transforms.intake import MessageIntake
from transforms.log import LogEntry, Raw

OPERATORS = bearer("admin")

ASKED = [
    ({"action": "threshold", "agent": "qwen-7b", "threshold": 0.2}, "0.5", "0.2"),
    (
        {
            "action": "budget", "agent": "qwen-7b", "message_class": "chatter",
            "budget": {"seconds_per_message": 60.0, "burst": 1},
        },
        '{"message_class":"chatter","seconds_per_message":10.0,"burst":3}',
        '{"message_class":"chatter","seconds_per_message":60.0,"burst":1}',
    ),
    ({"action": "mute", "agent": "qwen-7b"}, "false", "true"),
    ({"action": "unmute", "agent": "qwen-7b"}, "true", "false"),
]  # fmt: skip


def test_what_an_operator_changes_is_in_the_controls_table() -> None:
    """POST /controls with the operators' token, read and judged as the coordination job does, row by row."""
    at_noon = DeskAtNoon()
    gateway, core = TestClient(create_app(at_noon.desk)), Coordination("main", at_noon.desk.roster)
    for asked, _, _ in ASKED:
        body = {**asked, "issued_by": "ops.mia", "reason": "too talkative"}
        assert gateway.post("/controls", json=body, headers=OPERATORS).status_code == 200
    rows = []
    for position, message in enumerate(at_noon.publisher.messages, 1):
        read = MessageIntake().read(Raw(message.to_json(), {}, 0))
        outputs = core.apply(LogEntry("main", position, False, to_micros(read.event_time), read))
        rows += [
            output.value
            for output in outputs
            if output.port == "rows" and isinstance(output.value, ControlRow)
        ]
    assert [(row.action, row.agent, row.before, row.after) for row in rows] == [
        (asked["action"], "qwen-7b", before, after) for asked, before, after in ASKED
    ]
    assert {(row.issued_by, row.reason) for row in rows} == {("ops.mia", "too talkative")}
    assert [row.message_id for row in rows] == [message.message_id for message in at_noon.publisher.messages]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"action": "mute", "agent": "qwen-7b", "issued_by": "x"}, bearer("deepseek-v3"), 403),
        ({"action": "mute", "agent": "qwen-7b", "issued_by": "x"}, {}, 401),
        ({"action": "mute", "agent": "nobody", "issued_by": "x"}, OPERATORS, 422),
        ({"action": "mute", "issued_by": "x"}, OPERATORS, 422),
        ({"action": "kill", "agent": "nobody", "issued_by": "x"}, OPERATORS, 422),
        ({"action": "threshold", "agent": "qwen-7b", "threshold": 2, "issued_by": "x"}, OPERATORS, 422),
        ({"action": "kill", "issued_by": "tuner"}, OPERATORS, 403),
        ({"action": "kill", "issued_by": "Launcher"}, OPERATORS, 403),
        ({"action": "kill", "issued_by": "qwen-7b"}, OPERATORS, 403),
        ({"action": "restore", "core": "coordination", "state": {}, "issued_by": "x"}, OPERATORS, 403),
    ],
)
def test_what_is_no_operators_or_no_control_is_refused(
    body: dict, headers: dict[str, str], status: int
) -> None:
    at_noon = DeskAtNoon()
    gateway = TestClient(create_app(at_noon.desk))
    assert gateway.post("/controls", json=body, headers=headers).status_code == status
    assert at_noon.publisher.messages == []


def test_a_control_that_is_not_a_persons_says_why() -> None:
    gateway = TestClient(create_app(DeskAtNoon().desk))
    body = {"action": "mute", "agent": "qwen-7b", "issued_by": ISSUER}
    assert gateway.post("/controls", json=body, headers=OPERATORS).json()["errors"] == [
        {"field": "issued_by", "reason": "tuner is no person: say who asks for it"}
    ]
    body = {"action": "restore", "core": "trading", "state": {}, "issued_by": "mia"}
    assert gateway.post("/controls", json=body, headers=OPERATORS).json()["errors"] == [
        {"field": "action", "reason": "restore is the launcher's: start the job with --restore"}
    ]


def test_who_issues_controls_without_a_person_is_known() -> None:
    assert {ISSUER, LAUNCHER} <= MACHINES


def test_a_full_buffer_is_back_pressure_for_operators_too() -> None:
    at_noon = DeskAtNoon()
    at_noon.publisher.failure = BufferFull(retry_after=1.5)
    gateway = TestClient(create_app(at_noon.desk))
    body = {"action": "mute", "agent": "qwen-7b", "issued_by": "mia"}
    answer = gateway.post("/controls", json=body, headers=OPERATORS)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["retry_after"]) == (
        429,
        "2",
        1.5,
    )
    assert (at_noon.desk.measures.posted, at_noon.desk.measures.refused) == (1, 1)
