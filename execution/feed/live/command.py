"""The command line of the feed: `sapphire feed` and `python -m execution.feed.live`."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = (
    "Examples: [bold]sapphire feed[/bold], the roster's symbols to Pub/Sub until Ctrl-C; "
    "[bold]sapphire feed --record day.jsonl.gz --no-publish --for 3600 --symbols BTCUSDT[/bold]"
)

ALL_KINDS = "trades,quotes,book,marks,bars"


def feed(
    record: Annotated[
        Path | None, typer.Option(help="Write the raw streams to this new file; .gz compresses.")
    ] = None,
    symbols: Annotated[
        str | None,
        typer.Option(help="Perpetuals as Aster names them, by commas.", show_default="the roster's"),
    ] = None,
    kinds: Annotated[str, typer.Option(help="What to follow, by commas.")] = ALL_KINDS,
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=0.0, help="End after so many seconds.", show_default="at Ctrl-C"),
    ] = None,
    publish: Annotated[bool, typer.Option(help="Publish to the topic market-data.")] = True,
    snapshot_every: Annotated[
        float, typer.Option(min=1.0, help="Seconds between two snapshots of a book.")
    ] = 60.0,
    unconfirmed: Annotated[int, typer.Option(min=1, help="Batches under way to Pub/Sub at most.")] = 1_000,
    rest_url: Annotated[
        str | None, typer.Option(help="Another REST address, for a testnet.", show_default="Aster's")
    ] = None,
    stream_url: Annotated[
        str | None, typer.Option(help="Another WebSocket address, for a testnet.", show_default="Aster's")
    ] = None,
) -> None:
    """Publish Aster's live market to the desk: trades, best prices, order books, marks and bars.

    Public data only; no key is needed. A lost connection comes back by itself, a book with a gap gets a new snapshot.
    """
    from rich.console import Console

    from execution.feed.live.errors import FeedError
    from execution.feed.live.session import Request, run_session
    from execution.feed.publishing import PublishingError

    request = Request(
        symbols=None if symbols is None else _names(symbols, "--symbols"),
        channels=_channels(kinds),
        record=record,
        publish=publish,
        seconds=seconds,
        snapshot_every=snapshot_every,
        unconfirmed=unconfirmed,
        rest_url=rest_url,
        stream_url=stream_url,
    )
    try:
        end = run_session(request)
    except (FeedError, PublishingError) as error:
        Console(stderr=True).print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    Console().print(end.summary, highlight=False, markup=False, soft_wrap=True)
    if not end.all_taken:
        raise typer.Exit(1)


def _channels(kinds: str) -> tuple[str, ...]:
    names = _names(kinds, "--kinds")
    strangers = [name for name in names if name not in ALL_KINDS.split(",")]
    if strangers:
        raise typer.BadParameter(f"choose from {ALL_KINDS}", param_hint="--kinds")
    return names


def _names(value: str, option: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if not names:
        raise typer.BadParameter("name at least one", param_hint=option)
    return names
