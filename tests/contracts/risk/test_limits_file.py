"""The file of limits: every limit with its unit, and one sentence for what is wrong."""

from pathlib import Path

import pytest

from contracts.risk.limits import Limits
from contracts.risk.limits_file import LimitsError, read_limits, unit_of, written
from contracts.settings import Settings

PACKAGED = Settings.model_fields["limits"].default


def test_the_packaged_file_is_the_defaults() -> None:
    assert PACKAGED.read_text() == written(Limits()), (
        "sapphire limits show, or write `written(Limits())` anew"
    )
    assert read_limits(PACKAGED) == Limits()


def test_every_limit_has_a_unit() -> None:
    units = {name: unit_of(name) for name in Limits.model_fields}
    assert (units["desk_gross"], units["per_trade_share"], units["consensus_size"]) == (
        "times",
        "share",
        "share",
    )
    assert (units["mark_stale_seconds"], units["orders_per_minute"]) == ("s", "count")


def test_a_file_may_name_only_what_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("desk_gross: 0.6\n")
    assert read_limits(file) == Limits(desk_gross="0.6")
    file.write_text("")
    assert read_limits(file) == Limits()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("desk_gross: 0", "desk_gross: Input should be greater than 0"),
        ("desk_gross: .nan", "desk_gross: Input should be a finite number"),
        ("desk_grass: 1", "there is no limit desk_grass; did you mean desk_gross?"),
        ("reduce_drawdown: 0.5", "the drawdown bands are recover_drawdown < reduce_drawdown < halt_drawdown"),
        ("- 1", "Input should be a valid dictionary"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text(text)
    with pytest.raises(LimitsError) as error:
        read_limits(file)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LimitsError, match=r"nowhere\.yaml cannot be read: No such file"):
        read_limits(tmp_path / "nowhere.yaml")
