"""`sapphire control` against a gateway behind a real socket."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from agents.gateway.app import create_app
from contracts.controls import Budget, Control, ControlAction, Goal, MessageClass
from infra.local.environment import Tokens
from infra.local.state import StateFolder
from tests.agents.gateway.desk import ADMIN, DeskAtNoon
from tests.infra.cli.conftest import Sapphire
from tests.infra.cli.served import served

SAID = {"issued_by": "mia", "reason": "too talkative"}
WHO = ("--by", "mia", "--reason", "too talkative")


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[str, DeskAtNoon]]:
    at_noon = DeskAtNoon()
    with served(create_app(at_noon.desk)) as address:
        yield address, at_noon


@pytest.fixture
def state(tmp_path: Path, gateway: tuple[str, DeskAtNoon], monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """The folder of a local run, which knows where its gateway is and the operators' token."""
    monkeypatch.delenv("SAPPHIRE_ADMIN_TOKEN", raising=False)
    folder = StateFolder(tmp_path)
    folder.run.mkdir()
    tokens = Tokens("a-token-for-orders", {}, operators=ADMIN)
    tokens.write_for_operators(folder.operators, gateway[0])
    return folder


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (
            ("threshold", "qwen-7b", "0.7"),
            Control(action=ControlAction.THRESHOLD, agent="qwen-7b", threshold=0.7, **SAID),
        ),
        (
            ("budget", "qwen-7b", "signal", "5", "--burst", "10"),
            Control(
                action=ControlAction.BUDGET,
                agent="qwen-7b",
                message_class=MessageClass.SIGNAL,
                budget=Budget(seconds_per_message=5.0, burst=10),
                **SAID,
            ),
        ),
        (("mute", "qwen-7b"), Control(action=ControlAction.MUTE, agent="qwen-7b", **SAID)),
        (("unmute", "qwen-7b"), Control(action=ControlAction.UNMUTE, agent="qwen-7b", **SAID)),
        (("halt", "--flatten"), Control(action=ControlAction.KILL, flatten=True, **SAID)),
        (("release",), Control(action=ControlAction.RELEASE, **SAID)),
        (
            ("limits", "desk_gross=0.6", "consensus_leverage=null"),
            Control(
                action=ControlAction.LIMITS,
                limits={"desk_gross": Decimal("0.6"), "consensus_leverage": None},
                **SAID,
            ),
        ),
        (
            ("goal", "market_neutral"),
            Control(action=ControlAction.GOAL, goal=Goal.MARKET_NEUTRAL, **SAID),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_control_is_published_in_the_desks_log(
    gateway: tuple[str, DeskAtNoon],
    state: StateFolder,
    sapphire: Sapphire,
    asked: tuple[str, ...],
    expected: Control,
) -> None:
    code, out, err = sapphire("control", *asked, *WHO, "--state-dir", str(state.root))
    assert (code, err) == (0, "")
    message = gateway[1].publisher.messages[-1]
    assert (message.sender, message.payload) == ("operator", expected)
    assert message.message_id in out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("mute", "nobody"), "nobody is not on the roster"),
        (("budget", "qwen-7b", "critical", "5"), "critical messages have no budget"),
        (("goal", "riches"), "goal: Input should be"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    state: StateFolder, sapphire: Sapphire, asked: tuple[str, ...], said: str
) -> None:
    code, _, err = sapphire("control", *asked, "--state-dir", str(state.root))
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_another_token_is_refused(
    gateway: tuple[str, DeskAtNoon], sapphire: Sapphire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAPPHIRE_ADMIN_TOKEN", "not-the-operators-token")
    code, _, err = sapphire("control", "mute", "qwen-7b", "--url", gateway[0])
    assert code == 2
    assert "403" in err or "401" in err
    assert "not-the-operators-token" not in err


def test_without_a_run_the_fix_is_named(
    tmp_path: Path, sapphire: Sapphire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAPPHIRE_ADMIN_TOKEN", raising=False)
    code, _, err = sapphire("control", "mute", "qwen-7b", "--state-dir", str(tmp_path))
    assert code == 2
    assert "SAPPHIRE_ADMIN_TOKEN" in err


def test_the_token_is_for_its_owner_alone(state: StateFolder) -> None:
    assert state.operators.stat().st_mode & 0o077 == 0
    assert set(json.loads(state.operators.read_bytes())) == {"gateway", "token"}
