"""The roster: read, or refused in a sentence that names the entry."""

from pathlib import Path

import pytest
import yaml

from contracts.roster import RosterError, read_roster
from contracts.settings import Settings

ROSTER = Settings().roster


def changed(tmp_path: Path, change) -> Path:
    content = yaml.safe_load(ROSTER.read_text())
    change(content)
    path = tmp_path / "roster.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_desk_has_its_seven_agents():
    assert [profile.agent for profile in read_roster(ROSTER).agents] == [
        "deepseek-v3", "qwen-7b", "fingpt-alpha", "lagllama-degen", "profit-maximizer", "freqtrade-hft", "hummingbot-mm",
    ]  # fmt: skip


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RosterError, match=r"there is no roster at .*nowhere\.yaml"):
        read_roster(tmp_path / "nowhere.yaml")


def test_a_file_that_is_not_yaml_is_named(tmp_path):
    (tmp_path / "roster.yaml").write_text("agents: [")
    with pytest.raises(RosterError, match="is not YAML"):
        read_roster(tmp_path / "roster.yaml")


@pytest.mark.parametrize("content", [b"agents: [\n- {a: 1\n", b"\xff\xfe\x00"])
def test_what_is_no_yaml_is_told_on_one_line(tmp_path, content):
    (tmp_path / "roster.yaml").write_bytes(content)
    with pytest.raises(RosterError, match=r"roster\.yaml is not YAML: ") as error:
        read_roster(tmp_path / "roster.yaml")
    assert "\n" not in str(error.value)


def test_a_folder_is_no_roster(tmp_path):
    with pytest.raises(RosterError, match=r"the roster in .* cannot be read: Is a directory"):
        read_roster(tmp_path)


@pytest.mark.parametrize(
    ("change", "tells"),
    [
        (lambda c: c["agents"][0].update(leverage_cap=0), r"agents\.0\.leverage_cap"),
        (lambda c: c["agents"][0].update(mood="good"), r"agents\.0\.mood"),
        (lambda c: c["agents"][0].update(collaboration_partners=["stranger"]), "not on the roster: stranger"),
        (lambda c: c["agents"].append(c["agents"][0]), "two agents have the same id"),
        (lambda c: c.update(agents=[]), "agents"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, change, tells):
    with pytest.raises(RosterError, match=tells):
        read_roster(changed(tmp_path, change))
