import stat
from pathlib import Path

import pytest

from infra.local.errors import StackError
from infra.local.state import StateFolder


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with state.held():
        assert state.is_held
        with (
            pytest.raises(StackError, match=r"another run uses .*--state-dir"),
            StateFolder(state.root).held(),
        ):
            pass
    assert not state.is_held


def test_clearing_drops_the_last_run_and_keeps_what_is_slow_to_make(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.cleared()
    for path in (state.ledger, state.logs / "market.log", state.duckdb / "spatial"):
        path.write_text("x")
    state.cleared()
    assert [state.ledger.exists(), (state.logs / "market.log").exists()] == [False, False]
    assert (state.duckdb / "spatial").exists()


def test_secrets_lie_where_only_the_owner_looks(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.cleared()
    assert stat.S_IMODE(state.run.stat().st_mode) == 0o700
