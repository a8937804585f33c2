"""`sapphire paper-exchange`: the program that it prints trades on it, from order to fill to position."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest
from typer.testing import CliRunner

from contracts.topics import MARKET_DATA
from execution.exchange.server import ExchangeServer
from execution.exchange.session import ExchangeError, Market, Wallet, check_symbols, run_session
from execution.exchange.signatures import signer_of
from execution.feed.stop import Stop
from infra.cli import app
from infra.cli.paper_exchange import program_for
from infra.local.pubsub.server import Options
from tests.execution.trading_floor import quote
from tests.infra.local.pubsub.conftest import Clients, Running

ROOT = Path(__file__).parents[3]


def test_the_printed_program_makes_an_order_that_is_filled_and_held(tmp_path: Path) -> None:
    """The command's own parts, on the packaged sample; the program runs as a process of its own."""
    wallet, stop, printed = Wallet.kept_in(None), Stop(60.0), tmp_path / "program.py"
    answers: list[subprocess.CompletedProcess[str]] = []

    def trade(server: ExchangeServer) -> None:
        while server.call(lambda: server.board.book_ticker("BTCUSDT", 0)) is None:
            assert stop.sleep(0.01), "the market has begun"
        answers.append(
            subprocess.run([sys.executable, str(printed)], capture_output=True, text=True, timeout=50)
        )
        stop.ask()

    def ready(server: ExchangeServer) -> None:
        printed.write_text(program_for(server.url, wallet.private_key, "BTCUSDT"))
        threading.Thread(target=trade, args=(server,)).start()

    run_session(["BTCUSDT"], 0, wallet, Decimal(10_000), Market(speed=600.0), stop, ready, lambda _: None)
    [answer] = answers
    assert answer.returncode == 0, answer.stderr
    ordered, held = answer.stdout.splitlines()
    assert ordered.split()[1:4] == ["closed", "0.01", "at"]
    assert held.split()[:3] == ["BTC/USDT:USDT", "long", "0.01"]


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    running = Running()
    yield Clients(running.start(Options(port=0, stats_port=0)).port, monkeypatch)
    running.close()


def test_the_desks_market_data_makes_the_market(emulator: Clients) -> None:
    topic = MARKET_DATA.path("sapphire-test")
    emulator.publisher.create_topic(name=topic)
    seen: list[str] = []
    stop = Stop(60.0)

    def watch(server: ExchangeServer) -> None:
        batch = quote(42_000.0, 42_000.1)
        told: Any = batch.attributes()
        while (ticker := server.call(lambda: server.board.book_ticker("BTCUSDT", 0))) is None:
            emulator.publisher.publish(topic, batch.encode(), **told).result(10)
            assert stop.sleep(0.05), "it was told"
        seen.append(ticker["bidPrice"])
        stop.ask()

    run_session(
        ["BTCUSDT"], 0, Wallet.kept_in(None), Decimal(1), Market(project="sapphire-test"), stop,
        ready=lambda server: threading.Thread(target=watch, args=(server,)).start(), said=id,
    )  # fmt: skip
    assert seen == ["42000"]
    left = emulator.subscriber.list_subscriptions(project="projects/sapphire-test")
    assert list(left) == [], "its subscription goes with it"


def test_without_a_desk_there_is_no_market_to_follow(emulator: Clients) -> None:
    with pytest.raises(ExchangeError, match="start `sapphire run` first, or leave --pubsub out"):
        run_session(
            ["BTCUSDT"],
            0,
            Wallet.kept_in(None),
            Decimal(1),
            Market(project="sapphire-test"),
            Stop(5.0),
            id,
            id,
        )


def test_the_help_teaches() -> None:
    result = CliRunner().invoke(app, ["paper-exchange", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for words in (
        "simulated",
        "made-up money",
        "--key-file",
        "--pubsub",
        "SAPPHIRE_ASTER_NETWORK",
        "Examples:",
    ):
        assert words in result.output


def test_a_key_is_kept_in_its_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "wallet.key"
    made = Wallet.kept_in(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Wallet.kept_in(path) == made
    assert Wallet.kept_in(None) != made
    assert made.private_key not in repr(made)
    path.write_text("nothing of the kind")
    with pytest.raises(ExchangeError, match="holds no private key"):
        Wallet.kept_in(path)


def test_what_cannot_be_is_one_sentence() -> None:
    with pytest.raises(ExchangeError, match="unknown symbol DOGEUSDT; known are BTCUSDT"):
        check_symbols("BTCUSDT,dogeusdt")
    with pytest.raises(ExchangeError, match="at least one symbol"):
        check_symbols(" , ")
    with (
        ExchangeServer(["BTCUSDT"]) as server,
        pytest.raises(ExchangeError, match="choose another with --port"),
    ):
        run_session(["BTCUSDT"], server.port, Wallet.kept_in(None), Decimal(1), Market(), Stop(0.0), id, id)


def test_the_keys_address_is_whom_it_signs_for() -> None:
    wallet = Wallet.kept_in(None)
    exchange = ccxt.aster({"privateKey": wallet.private_key, "options": {"builderFee": False}})
    body = exchange.sign("v3/order", ["fapiPrivate"], "POST", {"symbol": "BTCUSDT"})["body"]
    words, _, signature = body.rpartition("&signature=")
    assert signer_of(words, signature) == wallet.address
