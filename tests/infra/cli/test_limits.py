"""`sapphire limits`: the desk's limits shown and checked, and a wrong change in one sentence."""

from pathlib import Path

import pytest

from tests.infra.cli.conftest import Sapphire


def test_what_is_shown_can_be_used(sapphire: Sapphire, tmp_path: Path) -> None:
    code, shown, _ = sapphire("limits", "show")
    assert code == 0
    assert (
        "most that one order may be worth, as a share of its agent's allocation [share]\nper_trade_share: 0.05"
        in shown
    )
    file = tmp_path / "limits.yaml"
    file.write_text(shown)
    assert sapphire("limits", "check", str(file)) == (
        0,
        f"{file} can be used: all limits are the defaults\n",
        "",
    )


def test_departures_from_the_defaults_are_named(sapphire: Sapphire, tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("desk_gross: 0.6\nmark_stale_seconds: 90\n")
    code, said, _ = sapphire("limits", "check", str(file))
    assert (code, said) == (
        0, f"{file} can be used: desk_gross 0.6 instead of 0.75, mark_stale_seconds 90 instead of 180\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("limits", "check", "nowhere.yaml"), "the limits in nowhere.yaml cannot be read"),
        (("control", "limits", "desk_gross"), "desk_gross is no change: write NAME=VALUE"),
        (("control", "limits", "desk_gross=900"), "desk_gross: Input should be less than or equal to 125"),
        (("control", "limits", "desk_grass=0.6"), "did you mean desk_gross?"),
    ],
)
def test_what_is_wrong_is_one_sentence(sapphire: Sapphire, arguments: tuple[str, ...], sentence: str) -> None:
    code, _, said = sapphire(*arguments)
    assert (code, said.count("\n")) == (2, 1)
    assert sentence in said
