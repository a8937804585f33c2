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
from infra.local.vertex.endpoints import Access, Endpoints

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
    serve_model: Annotated[
        list[str] | None,
        typer.Option(
            "--serve",
            metavar="MODEL=URL",
            help="Endpoints whose model this is ask it at the model server there, instead of their rule.",
        ),
    ] = None,
    private: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENDPOINT=ACCESS",
            help="A private endpoint: connect (Private Service Connect) or network (peered).",
        ),
    ] = None,
    private_port: Annotated[int, typer.Option(help="Where private endpoints listen; 0 is a free one.")] = 0,
) -> None:
    """Serve Vertex AI's endpoint API locally; the jobs find it by SAPPHIRE_VERTEX_URL."""
    try:
        with Listening(host, port) as listening, Listening(host, private_port) as privately:
            endpoints = Endpoints.of(
                read_roster(roster or Settings().roster),
                _pairs("--serve", serve_model),
                {name: Access(access) for name, access in _pairs("--private", private).items()},
                privately.url.partition("://")[2],
            )
            ready = (
                f"Vertex AI emulator ready: SAPPHIRE_VERTEX_URL={listening.url} ({len(endpoints)} endpoints)"
            )
            Console(soft_wrap=True).print(ready, markup=False)
            config = uvicorn.Config(create_app(endpoints, model_server, predict_route), log_level="warning")
            uvicorn.Server(config).run([listening.socket, privately.socket])
    except (RosterError, PortInUse, ValueError) as error:
        Console(stderr=True, soft_wrap=True).print(str(error), markup=False)
        raise typer.Exit(2) from None


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in given or ()]
    for name, _, value in pairs:
        if not name or not value:
            raise ValueError(f"{option} {name}: give a name and a value, as in {option} name=value")
    return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    app()
