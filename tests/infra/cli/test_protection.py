"""`sapphire kill` and `sapphire release` against an execution service behind a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.state import StateFolder
from tests.execution.test_service import ADMIN, READ, Service
from tests.execution.trading_floor import Floor
from tests.infra.cli.conftest import Sapphire
from tests.infra.cli.served import served


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    floor = Floor(tmp_path).open()
    yield Service(floor)
    floor.ledger.close()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """The folder of a local run, which knows the execution service's tokens."""
    monkeypatch.delenv("SAPPHIRE_EXECUTION_ADMIN_TOKEN", raising=False)
    folder = StateFolder(tmp_path)
    folder.run.mkdir()
    folder.execution_tokens.write_text(json.dumps({"read": READ, "admin": ADMIN}))
    return folder


def test_trading_stops_and_goes_on(service: Service, state: StateFolder, sapphire: Sapphire) -> None:
    with served(service.app) as address:
        where = ("--by", "mia", "--url", address, "--state-dir", str(state.root))
        code, out, err = sapphire("kill", "--reason", "prices look wrong", *where)
        assert (code, err) == (0, "")
        assert "mia" in out
        assert "prices look wrong" in out
        stopped = service.get("/protection", ADMIN).json()["stopped"]
        assert stopped is not None
        code, out, err = sapphire("release", "--reason", "prices checked", *where)
        assert (code, err) == (0, "")
        assert "new orders are taken" in out
        assert service.get("/protection", ADMIN).json()["stopped"] is None


def test_a_token_without_the_scope_is_refused(
    service: Service, sapphire: Sapphire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAPPHIRE_EXECUTION_ADMIN_TOKEN", READ)
    with served(service.app) as address:
        code, _, err = sapphire("kill", "--reason", "prices look wrong", "--url", address)
    assert code == 2
    assert "403" in err or "401" in err
    assert READ not in err


def test_a_service_that_is_not_there_is_one_sentence(state: StateFolder, sapphire: Sapphire) -> None:
    code, _, err = sapphire(
        "kill", "--reason", "x", "--url", "http://127.0.0.1:1", "--state-dir", str(state.root)
    )
    assert code == 2
    assert "does not answer" in err
    assert "Traceback" not in err


def test_without_a_token_the_fix_is_named(
    tmp_path: Path, sapphire: Sapphire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAPPHIRE_EXECUTION_ADMIN_TOKEN", raising=False)
    code, _, err = sapphire("kill", "--reason", "x", "--state-dir", str(tmp_path))
    assert code == 2
    assert "SAPPHIRE_EXECUTION_ADMIN_TOKEN" in err
