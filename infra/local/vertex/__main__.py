"""`python -m infra.local.vertex`: run the emulator until SIGTERM or Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from agents.serving.listening import Listening, PortInUse
from contracts.roster import RosterError, read_roster
from contracts.settings import Settings
from infra.local.vertex.api import create_app
from infra.local.vertex.endpoints import Endpoints

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: python -m infra.local.vertex --port 8088 --model-server http://127.0.0.1:8089")
def serve(
    model_server: Annotated[str, typer.Option(help="Address of the model server.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="HTTP port; 0 takes a free one.")] = 8088,
    roster: Annotated[Path | None, typer.Option(help="The roster whose endpoints there are.")] = None,
    predict_route: Annotated[
        str, typer.Option(help="The model server's route; {model} is the deployed model's name.")
    ] = "/predict/{model}",
) -> None:
    """Serve Vertex AI's public endpoint API locally; the jobs find it by SAPPHIRE_VERTEX_URL."""
    try:
        endpoints = Endpoints.of(read_roster(roster or Settings().roster))
        with Listening(host, port) as listening:
            ready = (
                f"Vertex AI emulator ready: SAPPHIRE_VERTEX_URL={listening.url} ({len(endpoints)} endpoints)"
            )
            Console(soft_wrap=True).print(ready, markup=False)
            config = uvicorn.Config(create_app(endpoints, model_server, predict_route), log_level="warning")
            uvicorn.Server(config).run([listening.socket])
    except (RosterError, PortInUse) as error:
        Console(stderr=True, soft_wrap=True).print(str(error), markup=False)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
