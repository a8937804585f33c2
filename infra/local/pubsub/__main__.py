"""`python -m infra.local.pubsub`: run the emulator until SIGTERM or Ctrl-C."""

import asyncio
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.local.pubsub.server import Options, Server, StartError
from infra.local.pubsub.settings import Bounds

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: python -m infra.local.pubsub --port 8085 --data-dir .state/pubsub --stats-port 8086"
)
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="gRPC port; 0 takes a free one.")] = 8085,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder that keeps topics, subscriptions and backlog over restarts.")
    ] = None,
    stats_port: Annotated[int | None, typer.Option(help="HTTP port of GET /stats; 0: a free one.")] = None,
    pull_wait_ms: Annotated[float, typer.Option(help="How long an empty unary pull waits.", min=0)] = 100.0,
    max_messages: Annotated[
        int, typer.Option(help="Messages a subscription keeps.", min=1)
    ] = Bounds().messages,
    max_bytes: Annotated[int, typer.Option(help="Bytes a subscription keeps.", min=1)] = Bounds().bytes,
) -> None:
    """Serve Google Cloud Pub/Sub's public gRPC API locally; clients find it by PUBSUB_EMULATOR_HOST."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    options = Options(host, port, data_dir, stats_port, pull_wait_ms / 1000, Bounds(max_messages, max_bytes))
    try:
        asyncio.run(_run(options))
    except StartError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), markup=False)
        raise typer.Exit(2) from None


async def _run(options: Options) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    server = Server(options)
    try:
        await server.start()
        counts = f", counts on http://{options.host}:{server.stats_port}/stats" if server.stats_port else ""
        Console(soft_wrap=True).print(
            f"Pub/Sub emulator ready: PUBSUB_EMULATOR_HOST={options.host}:{server.port}{counts}", markup=False
        )
        stopped, failed = asyncio.create_task(stopping.wait()), asyncio.create_task(server.wait())
        await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        if failed.done():
            failed.result()
        failed.cancel()
    finally:
        await server.stop()


if __name__ == "__main__":
    app()
