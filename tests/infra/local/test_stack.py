"""What the stack consists of: its wiring, and who is told which secret."""

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.roster import Roster, read_roster
from contracts.settings import Settings
from infra.local.ahead import AHEAD
from infra.local.environment import Tokens
from infra.local.language_model import LANGUAGE_MODELS
from infra.local.part import Part, levels
from infra.local.ports import Ports
from infra.local.stack import JOBS, LANGUAGE_MODEL, Plan, desk_parts, replay_part
from infra.local.state import StateFolder


@pytest.fixture
def roster() -> Roster:
    return read_roster(Settings().roster)


@pytest.fixture
def plan(roster: Roster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    tokens = Tokens.fresh(["freqtrade-hft", "hummingbot-mm"])
    return Plan(StateFolder(tmp_path), Ports(), tokens, roster, "sapphire-local", "sapphire")


def by_name(plan: Plan) -> dict[str, Part]:
    return {part.name: part for part in desk_parts(plan)}


def test_the_parts_start_level_by_level(plan: Plan) -> None:
    found = [{part.name for part in level} for level in levels(desk_parts(plan))]
    assert found == [
        {"redis", "pubsub", "bigquery", "identity", "model-server", "vertex"},
        {"topics", "tables"},
        {"execution", "gateway", "market", "coordination", "decisions", "export"},
        {"trading", "freqtrade-hft", "hummingbot-mm"},
    ]


def test_every_forged_part_is_imported_ahead_for(plan: Plan) -> None:
    parts = [*desk_parts(plan), replay_part(plan)]
    assert {part.name for part in parts if not part.forged} == {"redis", "bigquery"}
    assert {part.command[2] for part in parts if part.forged} <= set(AHEAD)


def test_what_is_there_already_is_not_started(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6379/1")
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "elsewhere:8085")
    parts = by_name(plan)
    assert {"redis", "pubsub"}.isdisjoint(parts)
    assert parts["market"].env["REDIS_URL"] == "redis://elsewhere:6379/1"
    assert parts["market"].env["PUBSUB_EMULATOR_HOST"] == "elsewhere:8085"
    levels(desk_parts(plan))


def test_every_secret_goes_to_those_alone_who_need_it(plan: Plan) -> None:
    def knowing(secret: str) -> set[str]:
        parts = [*desk_parts(plan), replay_part(plan)]
        return {part.name for part in parts if secret in (*part.env.values(), *part.command)}

    assert knowing(plan.tokens.execution) == {"trading", "execution"}
    assert {agent: knowing(token) for agent, token in plan.tokens.agents.items()} == {
        "freqtrade-hft": {"freqtrade-hft"},
        "hummingbot-mm": {"hummingbot-mm"},
    }
    assert plan.tokens.execution not in repr(plan)


def test_chosen_jobs_alone_are_started(plan: Plan) -> None:
    some = Plan(
        plan.state, plan.ports, plan.tokens, plan.roster, "sapphire-local", "sapphire", ("market", "export")
    )
    assert set(by_name(some)) & set(JOBS) == {"market", "export"}
    levels(desk_parts(some))


def test_a_language_model_is_one_part_more(plan: Plan) -> None:
    assert LANGUAGE_MODEL not in by_name(plan)
    assert "SAPPHIRE_ROSTER" not in plan.shared
    parts = by_name(replace(plan, language_model=LANGUAGE_MODELS["smollm2"]))
    model = parts[LANGUAGE_MODEL]
    assert model.command[3:7] == ("--backend", "llama_cpp", "--weights", "smollm2")
    assert model.env["AIP_HTTP_PORT"] == "8090"
    assert parts["vertex"].command[-2:] == ("--serve", "smollm2=http://127.0.0.1:8090")
    assert parts["decisions"].command[-4:] == (
        "--call_deadline_seconds",
        "50.0",
        "--call_attempts",
        "1",
    )
    assert LANGUAGE_MODEL in parts["decisions"].after
    assert parts["market"].command == by_name(plan)["market"].command
    assert {part.env["SAPPHIRE_ROSTER"] for part in parts.values() if "SAPPHIRE_DESK" in part.env} == {
        str(plan.state.roster)
    }
    levels(list(parts.values()))


def test_a_recording_is_handed_on(plan: Plan) -> None:
    chosen = Plan(
        plan.state,
        plan.ports,
        plan.tokens,
        plan.roster,
        "sapphire-local",
        "sapphire",
        recording=Path("/r.csv"),
        speed=5,
    )
    assert replay_part(chosen).command[-3:] == ("/r.csv", "--speed", "5")


def test_snapshots_are_as_long_as_the_recordings_bars(plan: Plan) -> None:
    assert "--snapshot_seconds" not in by_name(plan)["market"].command
    parts = by_name(replace(plan, snapshot_seconds=5))
    assert parts["market"].command[-2:] == ("--snapshot_seconds", "5")
    assert all("--snapshot_seconds" not in part.command for name, part in parts.items() if name != "market")
