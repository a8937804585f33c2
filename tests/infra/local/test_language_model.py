"""A language model on this machine: whose endpoints it takes over, and on which terms."""

from pathlib import Path

from contracts.roster import EndpointBacking, Roster, read_roster
from contracts.settings import Settings
from infra.local.language_model import LANGUAGE_MODELS, choices

SMOLLM2 = LANGUAGE_MODELS["smollm2"]


def backing(roster: Roster, agent: str) -> EndpointBacking:
    found = roster.by_agent[agent].backing
    assert isinstance(found, EndpointBacking)
    return found


def test_it_answers_for_those_that_are_asked_for_decisions() -> None:
    roster = read_roster(Settings().roster)
    assert SMOLLM2.agents(roster) == ("deepseek-v3", "qwen-7b")
    changed = SMOLLM2.asked_by(roster)
    for agent in SMOLLM2.agents(roster):
        before, after = backing(roster, agent), backing(changed, agent)
        assert (after.model, after.asks, after.endpoint) == ("smollm2", "brief", before.endpoint)
        assert (after.budget.tokens_in, after.budget.tokens_out) == (512, 128)
        assert after.budget.calls_per_hour == before.budget.calls_per_hour
        assert changed.by_agent[agent].cadence_seconds == 120
        assert changed.price_of(after) is not None
    others = [profile for profile in roster.agents if profile.agent not in SMOLLM2.agents(roster)]
    assert others == [changed.by_agent[profile.agent] for profile in others]
    assert SMOLLM2.agents(changed) == SMOLLM2.agents(roster)


def test_the_changed_roster_is_one_that_every_process_can_read(tmp_path: Path) -> None:
    changed = SMOLLM2.asked_by(read_roster(Settings().roster))
    path = tmp_path / "roster.json"
    path.write_bytes(changed.to_json())
    assert read_roster(path) == changed


def test_the_choices_say_what_they_are_worth() -> None:
    assert choices() == (
        "choose rule (documented trading rules), or smollm2 (SmolLM2-135M, a real language model on the CPU, whose "
        "judgement is worth nothing)"
    )
