"""Choosing the venue: paper unless asked, Aster set up by its secret, real money only by flag and typed sentence."""

import os
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from typer.testing import CliRunner

from contracts.settings import Settings
from execution.exchange.server import ExchangeServer
from execution.exchange.signatures import new_wallet
from execution.service.live_trading import LiveRefused, check_live
from execution.service.process import build_service
from execution.service.venue_choice import VenueName, aster
from execution.venues.aster.aster_venue import AsterVenue
from execution.venues.aster.settings import AsterSettings
from execution.venues.paper.options import PaperOptions
from tests.execution.trading_floor import WIDE, quote, request
from tests.execution.venues.aster.stand import until

BEARER = {"Authorization": "Bearer the-token-for-this-test"}
JSON = BEARER | {"content-type": "application/json"}
BTC = frozenset({"BTCUSDT"})


class Nobody:
    """A Pub/Sub that takes everything and brings nothing."""

    def publish(self, *_: Any, **__: Any) -> Future[str]:
        done: Future[str] = Future()
        done.set_result("1")
        return done

    def subscribe(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("the Aster venue follows no subscription")

    def resume_publish(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[ExchangeServer]:
    with ExchangeServer(["BTCUSDT"]) as server:
        server.feed(quote(42_000.0, 42_000.1))
        yield server


def settings(tmp_path: Path, **changes: Any) -> Settings:
    limits = tmp_path / "limits.yaml"
    limits.write_text("\n".join(f"{k}: {v}" for k, v in (WIDE | {"symbols": "[BTCUSDT]"}).items()))
    values: dict[str, Any] = {
        "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
        "kill_switch": tmp_path / "kill.json",
        "execution_token": SecretStr("the-token-for-this-test"),
        "protection": limits,
        "redis_url": "redis://127.0.0.1:1/0",
    }
    return Settings(**(values | changes))


def test_the_service_trades_on_aster(
    server: ExchangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAPPHIRE_ASTER_NETWORK", server.url)
    monkeypatch.setenv("SAPPHIRE_ASTER_PRIVATE_KEY", server.open_account(Decimal(100_000)))
    nobody: Any = Nobody()
    app = build_service(settings(tmp_path), PaperOptions(), nobody, nobody, venue_name=VenueName.ASTER)
    with TestClient(app) as http:

        def ready() -> bool:
            server.feed(quote(42_000.0, 42_000.1))
            return http.get("/readyz").status_code == 200

        until(ready)
        wanted = request(decided_at=datetime.now(UTC) - timedelta(seconds=1))
        placed = http.post("/orders", content=wanted.to_json(), headers=JSON)
        assert placed.status_code == 201, placed.text
        told = placed.json()
        assert (told["status"], told["venue"], told["average_price"]) == ("FILLED", "aster-local", "42000.1")


@pytest.mark.parametrize(
    ("network", "live", "confirmation", "refused"),
    [
        ("mainnet", False, "", "aster trades real money: it needs --live and --confirm"),
        ("mainnet", True, "yes", "--confirm 'trade real money on aster', word by word"),
        ("mainnet", True, "trade real money on aster", None),
        ("testnet", False, "", None),
        (
            "testnet",
            True,
            "trade real money on aster-testnet",
            "aster-testnet trades no real money: leave it out",
        ),
    ],
)
def test_real_money_takes_the_flag_and_the_sentence(
    network: str, live: bool, confirmation: str, refused: str | None
) -> None:
    venue = AsterVenue(AsterSettings(network=network, private_key=SecretStr(new_wallet()[0])), BTC)
    if refused is None:
        check_live(venue, live=live, confirmation=confirmation)
        return
    with pytest.raises(LiveRefused, match=refused):
        check_live(venue, live=live, confirmation=confirmation)


def test_a_replays_clock_and_a_real_venue_do_not_go_together(tmp_path: Path) -> None:
    replaying = settings(tmp_path, clock=str(tmp_path / "clock"))
    with pytest.raises(LiveRefused, match="leave SAPPHIRE_CLOCK out"):
        aster(replaying, None)  # type: ignore[arg-type]


def test_without_a_key_the_command_says_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    from execution.service.__main__ import run

    for name in [name for name in os.environ if name.startswith("SAPPHIRE_ASTER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SAPPHIRE_EXECUTION_TOKEN", "the-token-for-this-test")
    monkeypatch.setenv("SAPPHIRE_LEDGER_URL", f"sqlite:///{tmp_path}/ledger.db")
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    app = typer.Typer()
    app.command()(run)
    result = CliRunner().invoke(app, ["--venue", "aster"])
    assert result.exit_code == 2
    assert "SAPPHIRE_ASTER_PRIVATE_KEY_FILE" in result.output
