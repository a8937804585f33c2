"""`python -m execution.service`: run the execution service."""

import signal
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

import structlog
import typer
import uvicorn
from google.cloud import pubsub_v1
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from contracts.settings import Settings
from execution.ledger.migration import OldLedger
from execution.protection.limits import LimitsError
from execution.service.access import TokensError
from execution.service.live_trading import LiveRefused
from execution.service.process import build_service
from execution.service.venue_choice import VenueName
from execution.venues.aster.settings import AsterSettingsError
from execution.venues.paper.options import PaperOptions

_GRACE_SECONDS = 10
SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter from another. Python's 5 ms would be the service's latency: each
statement of an order's transaction lets go of the interpreter, and waits for it again behind whoever decodes prices."""

_DEFAULTS = PaperOptions()
_LATENCY_SECONDS = 0.02
"""What a request takes from a machine in the venue's region, and back; farther away it is more."""


def _publisher() -> pubsub_v1.PublisherClient:
    return pubsub_v1.PublisherClient(
        batch_settings=pubsub_v1.types.BatchSettings(max_latency=0.001),
        publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True),
    )


def _end_well(*_: object) -> None:
    raise SystemExit(0)


def run(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    taker_fee: Annotated[float, typer.Option(help="Fee of a fill, as a share of its value.")] = float(
        _DEFAULTS.taker_fee
    ),
    half_spread: Annotated[
        float,
        typer.Option(
            help="Where there are no quotes: distance of bid and ask from the last price, as a share."
        ),
    ] = float(_DEFAULTS.half_spread),
    latency: Annotated[
        float, typer.Option(help="Seconds that an order or a cancellation takes to the paper venue.")
    ] = _LATENCY_SECONDS,
    balance: Annotated[
        float,
        typer.Option(
            help="USDT that each agent's account at the paper venue begins with; 0 is no margin, no liquidation."
        ),
    ] = 0.0,
    max_price_age: Annotated[
        float,
        typer.Option(help="Seconds that the price may lie from the decision before an order is rejected."),
    ] = _DEFAULTS.max_price_age.total_seconds(),
    venue: Annotated[
        VenueName,
        typer.Option(
            help="`aster` is set up by SAPPHIRE_ASTER_* (docs/aster.md); its testnet trades no real money."
        ),
    ] = VenueName.PAPER,
    live: Annotated[bool, typer.Option("--live", help="Trade real money; needs --confirm too.")] = False,
    confirm: Annotated[str, typer.Option(help="The sentence that --live asks for, typed out.")] = "",
) -> None:
    """Take orders by HTTP, trade them on a venue, keep the ledger, publish executions.

    The paper venue is the default and trades made-up money. Real money takes all of --venue aster, --live and --confirm.

    Example: SAPPHIRE_EXECUTION_TOKEN=... python -m execution.service --port 8080
    """
    structlog.configure(processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ])  # fmt: skip
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = Settings()
    options = PaperOptions(
        taker_fee=Decimal(str(taker_fee)),
        half_spread=Decimal(str(half_spread)),
        latency=timedelta(seconds=latency),
        balance=Decimal(str(balance)) if balance else None,
        max_price_age=timedelta(seconds=max_price_age),
    )
    try:
        app = build_service(
            settings,
            options,
            _publisher(),
            pubsub_v1.SubscriberClient(),
            venue_name=venue,
            live=live,
            confirmation=confirm,
        )
    except (LimitsError, TokensError, LiveRefused, AsterSettingsError, OldLedger) as error:
        Console(stderr=True, soft_wrap=True).print(f"{error}", style="red", markup=False, highlight=False)
        raise typer.Exit(2) from None
    except (SQLAlchemyError, ValueError, OSError) as error:
        Console(stderr=True).print(
            f"The ledger cannot be opened ({error}). Check SAPPHIRE_LEDGER_URL.", style="red", markup=False
        )
        raise typer.Exit(1) from None
    for received in (signal.SIGTERM, signal.SIGINT):
        # uvicorn finishes what it accepted, then raises the signal again: an end on request is a good end.
        signal.signal(received, _end_well)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


if __name__ == "__main__":
    typer.run(run)
