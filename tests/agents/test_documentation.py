"""docs/agents.md tells what the roster and the prompts say."""

from pathlib import Path

import pytest

from agents.kinds.kind import kind_named
from tests.agents.questions import roster

PAGE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text()
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("|")
]
AGENTS = roster().agents


@pytest.mark.parametrize("profile", AGENTS, ids=lambda profile: profile.agent)
def test_every_agent_is_told_with_its_role_and_endpoint(profile):
    (told,) = [row for row in ROWS if len(row) == 6 and row[0] == profile.agent]
    assert told[1] == profile.role.replace("_", " ")
    if profile.is_model_backed:
        assert (told[2], told[3].split()[-1]) == (profile.backing.endpoint, profile.backing.asks)


@pytest.mark.parametrize(
    "profile", [p for p in AGENTS if p.is_model_backed], ids=lambda profile: profile.agent
)
def test_every_budget_is_told(profile):
    budget = profile.call_budget
    assert [
        profile.agent,
        f"{budget.calls_per_hour:,}",
        f"{budget.tokens_per_hour:,}",
        f"{budget.usd_per_hour:.2f}",
        f"{budget.tokens_in:,}, {budget.tokens_out:,}",
    ] in ROWS


@pytest.mark.parametrize("name", ["decision", "brief", "forecast", "sentiment", "portfolio"])
def test_every_kind_is_told_with_its_prompt(name):
    (told,) = [row for row in ROWS if row[0] == name]
    assert kind_named(name).prompt_id.startswith(told[1].strip("`") + "-")
