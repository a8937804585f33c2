"""`python -m agents.serving`: run the model server until SIGTERM or Ctrl-C."""

from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from agents.serving.app import create_app
from agents.serving.backend import UnknownBackend, UnknownModel, backend_named
from agents.serving.listening import Listening, PortInUse

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: AIP_HTTP_PORT=8089 python -m agents.serving --backend rule")
def serve(
    backend: Annotated[str, typer.Option(envvar="SAPPHIRE_BACKEND", help="What answers.")] = "rule",
    model: Annotated[
        str | None,
        typer.Option(envvar="SAPPHIRE_MODEL", help="The one model served; else the route names it."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="AIP_HTTP_PORT", help="HTTP port; 0 takes a free one.")] = 8080,
    health_route: Annotated[
        str, typer.Option(envvar="AIP_HEALTH_ROUTE", help="Route of health.")
    ] = "/health",
    predict_route: Annotated[
        str | None,
        typer.Option(
            envvar="AIP_PREDICT_ROUTE", help="Route of predictions; {model} stands for a model's name."
        ),
    ] = None,
) -> None:
    """Serve Vertex AI's contract for custom containers: instances in, predictions out."""
    errors = Console(stderr=True, soft_wrap=True)
    try:
        served = backend_named(backend)
        route = predict_route or ("/predict" if model else "/predict/{model}")
        server = create_app(served, health_route, route, model)
        with Listening(host, port) as listening:
            told = ", ".join(served.models())
            Console(soft_wrap=True).print(
                f"Model server ready: {listening.url}{route} ({told})", markup=False
            )
            uvicorn.Server(uvicorn.Config(server, log_level="warning")).run([listening.socket])
    except (UnknownBackend, UnknownModel, PortInUse, ValueError) as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    app()
