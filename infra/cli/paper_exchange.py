"""`sapphire paper-exchange`: an exchange on this machine that any ccxt program can trade on, with made-up money."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.failures import UsageError

if TYPE_CHECKING:
    from execution.exchange.server import ExchangeServer
    from execution.exchange.session import Wallet

EXAMPLE = (
    "Examples: [bold]sapphire paper-exchange[/bold], on the packaged sample; "
    "[bold]sapphire paper-exchange day.jsonl.gz --speed 1 --symbols BTCUSDT[/bold]; "
    "[bold]sapphire paper-exchange --pubsub[/bold], beside `sapphire run`; "
    "[bold]sapphire paper-exchange --key-file wallet.key > program.py[/bold], and then python program.py"
)

PORT = 9100
_PROGRAM = """\
import asyncio

import ccxt.async_support as ccxt


def connect():
    exchange = ccxt.aster({{
        "privateKey": "{private_key}",  # made just now, for this exchange alone
        "enableRateLimit": False,
        "has": {{"fetchCurrencies": False}},
        "options": {{"defaultType": "swap", "builderFee": False}},  # ccxt adds a builder's fee unless told not to
    }})
    api = exchange.urls["api"]
    api.update(fapiPublic="{url}/fapi", fapiPrivate="{url}/fapi", sapiPublic="{url}/api", sapiPrivate="{url}/api")
    return exchange


async def main():
    exchange = connect()
    try:
        await exchange.load_markets()
        order = await exchange.create_order("{symbol}", "market", "buy", {amount})
        print(order["id"], order["status"], order["filled"], "at", order["average"])
        for position in await exchange.fetch_positions(["{symbol}"]):
            print(position["symbol"], position["side"], position["contracts"], "from", position["entryPrice"])
    finally:
        await exchange.close()


if __name__ == "__main__":
    asyncio.run(main())
"""


def program_for(url: str, private_key: str, symbol: str) -> str:
    """A ccxt program that is connected to the exchange and makes an order, as the command prints it."""
    from contracts.instruments import INSTRUMENTS

    instrument = INSTRUMENTS[symbol]
    return _PROGRAM.format(
        private_key=private_key,
        url=url,
        symbol=f"{instrument.base}/{instrument.quote}:{instrument.quote}",
        amount=instrument.lot * 10,
    )


def paper_exchange(
    recording: Annotated[
        Path | None,
        typer.Argument(
            help="What the market is made of: a raw stream file, or a file or folder of bars.",
            show_default="the packaged sample",
        ),
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="Times as fast as the recording was lived.")] = 60.0,
    pubsub: Annotated[
        bool, typer.Option("--pubsub", help="Make the market of the project's live market data instead.")
    ] = False,
    symbols: Annotated[str, typer.Option(help="What is traded.")] = "BTCUSDT,ETHUSDT",
    deposit: Annotated[float, typer.Option(min=1, help="Made-up USDT in the account.")] = 100_000.0,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="File of the account's private key; made when there is none.",
            show_default="a new key each time, in no file",
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0: any.")] = PORT,
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="End after so many seconds.", show_default="Ctrl-C")
    ] = None,
) -> None:
    """Run an exchange on this machine for any ccxt program: simulated, with made-up money.

    It speaks the v3 API of Aster: REST, market streams and the account's stream; verifies signatures, nonces and
    filters, counts weights; and fills orders by the same matching core as paper trading and backtests
    (docs/matching.md says what that assumes). Nothing that happens here happens on Aster.

    The account's key pair is made on this machine and worth nothing elsewhere. Standard output gets a program that
    trades, standard error what happens. The desk itself trades here with
    SAPPHIRE_ASTER_NETWORK=http://127.0.0.1:9100 and --venue aster (docs/aster.md).
    """
    from rich.console import Console

    from contracts.settings import Settings
    from execution.exchange.session import ExchangeError, Market, Wallet, check_symbols, run_session
    from execution.feed.recordings import RecordingError
    from execution.feed.stop import Stop

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    stop = Stop(seconds)
    market = Market(recording, speed, Settings().project if pubsub else None)
    try:
        wallet = Wallet.kept_in(key_file)
        names = check_symbols(symbols)

        def ready(server: "ExchangeServer") -> None:
            console.print(_introduction(server, wallet))
            typer.echo(program_for(server.url, wallet.private_key, names[0]))

        with stop.on_signals():
            run_session(
                names, port, wallet, Decimal(str(deposit)), market, stop, ready=ready, said=console.print
            )
    except (ExchangeError, RecordingError) as error:
        raise UsageError(str(error)) from None


def _introduction(server: "ExchangeServer", wallet: "Wallet") -> str:
    return (
        "This exchange is simulated: its money is made up, and nothing that happens here happens on Aster.\n"
        f"  REST      {server.url}/fapi\n"
        f"  streams   {server.stream_url}/stream and {server.stream_url}/ws/<listenKey>\n"
        f"  account   {wallet.address}\n"
        "The program on standard output is connected to it and makes an order. Ctrl-C ends the exchange."
    )
