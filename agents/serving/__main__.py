"""`python -m agents.serving`: run the model server until SIGTERM or Ctrl-C."""

import shlex
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from agents.serving.app import create_app
from agents.serving.backend import CannotServe, UnknownBackend, UnknownModel, backend_named
from agents.serving.lag_llama import missing_libraries
from agents.serving.listening import Listening, PortInUse
from agents.serving.options import ServerOptions
from agents.serving.record_backend import Recorded
from agents.serving.recordings import Recorder

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

EXAMPLES = (
    "Examples: [bold]AIP_HTTP_PORT=8089 python -m agents.serving[/bold], the rules; "
    "[bold]python -m agents.serving --backend llama_cpp[/bold], SmolLM2 on the CPU; "
    "[bold]python -m agents.serving --backend llama_cpp --weights model.gguf --model mine[/bold]; "
    "[bold]python -m agents.serving --backend llama_cpp --record answers.jsonl[/bold], and then "
    "[bold]python -m agents.serving --backend record --recordings answers.jsonl[/bold]"
)

_MISSING = missing_libraries()
_FORECASTER = (
    f"here only the statistical one can run: {', '.join(_MISSING)} not installed"
    if _MISSING
    else "here Lag-Llama can run: torch, gluonts and lag_llama are installed"
)
_CONTAINER, _MODEL, _LIMITS, _RECORDINGS = "Vertex AI's contract", "Model", "Limits", "Recordings"


@app.command(epilog=EXAMPLES)
def serve(
    backend: Annotated[
        str,
        typer.Option(
            envvar="SAPPHIRE_BACKEND",
            help="What answers: [bold]rule[/bold], the documented trading rules; [bold]forecast[/bold], Lag-Llama "
            "with --weights (and torch, gluonts, lag_llama), else a statistical forecaster; [bold]llama_cpp[/bold], a "
            "GGUF model on the CPU; [bold]vllm[/bold], a model on a GPU; [bold]record[/bold], recorded answers.",
            rich_help_panel=_MODEL,
        ),
    ] = "rule",
    model: Annotated[
        str | None,
        typer.Option(
            envvar="SAPPHIRE_MODEL",
            help="The name of the one model served, which answers and rows tell; else the route names it.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            envvar="SAPPHIRE_WEIGHTS",
            help="llama_cpp: a GGUF file, or smollm2; vllm: a name at the model hub or a folder; "
            f"forecast: the file lag-llama.ckpt ({_FORECASTER}).",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    adapter: Annotated[
        str | None,
        typer.Option(
            envvar="SAPPHIRE_ADAPTER",
            help="vllm: a LoRA adapter at the hub, on top of --weights.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    vllm_arguments: Annotated[
        str,
        typer.Option(
            envvar="SAPPHIRE_VLLM_ARGUMENTS",
            help="Further arguments of `vllm serve`, as one text.",
            rich_help_panel=_MODEL,
        ),
    ] = "",
    vllm_command: Annotated[
        str,
        typer.Option(
            envvar="SAPPHIRE_VLLM_COMMAND", help="The program that is vLLM.", rich_help_panel=_MODEL
        ),
    ] = "vllm",
    host: Annotated[
        str,
        typer.Option(
            envvar="SAPPHIRE_HOST",
            help="Address to listen on; 0.0.0.0 in a container.",
            rich_help_panel=_CONTAINER,
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            envvar="AIP_HTTP_PORT", help="HTTP port; 0 takes a free one.", rich_help_panel=_CONTAINER
        ),
    ] = 8080,
    health_route: Annotated[
        str,
        typer.Option(
            envvar="AIP_HEALTH_ROUTE",
            help="Route of health: 503 while the model loads, then 200.",
            rich_help_panel=_CONTAINER,
        ),
    ] = "/health",
    predict_route: Annotated[
        str | None,
        typer.Option(
            envvar="AIP_PREDICT_ROUTE",
            help="Route of predictions; {model} stands for a model's name.",
            show_default="/predict with --model, else /predict/{model}",
            rich_help_panel=_CONTAINER,
        ),
    ] = None,
    context_tokens: Annotated[
        int,
        typer.Option(
            min=256,
            envvar="SAPPHIRE_CONTEXT_TOKENS",
            help="Most tokens of a prompt with its answer.",
            rich_help_panel=_LIMITS,
        ),
    ] = ServerOptions.context_tokens,
    answer_tokens: Annotated[
        int, typer.Option(min=1, help="Most tokens of an answer.", rich_help_panel=_LIMITS)
    ] = ServerOptions.answer_tokens,
    answer_seconds: Annotated[
        float, typer.Option(min=0.1, help="Longest that an answer may take.", rich_help_panel=_LIMITS)
    ] = ServerOptions.answer_seconds,
    parallel: Annotated[
        int,
        typer.Option(
            min=1, help="Answers made at once by llama_cpp (x 16 by vllm).", rich_help_panel=_LIMITS
        ),
    ] = ServerOptions.parallel,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests that may wait; one more is a 429.", rich_help_panel=_LIMITS)
    ] = ServerOptions.queue,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads of llama_cpp.", show_default="all cores", rich_help_panel=_LIMITS),
    ] = None,
    start_seconds: Annotated[
        float, typer.Option(min=1, help="Longest that vllm may take to load.", rich_help_panel=_LIMITS)
    ] = ServerOptions.start_seconds,
    stop_seconds: Annotated[
        float,
        typer.Option(
            min=1, help="Longest that a stop waits for requests in flight.", rich_help_panel=_LIMITS
        ),
    ] = ServerOptions.stop_seconds,
    record: Annotated[
        Path | None,
        typer.Option(
            help="Append every answer to this file, once for each prompt.", rich_help_panel=_RECORDINGS
        ),
    ] = None,
    recordings: Annotated[
        Path | None,
        typer.Option(help="For the backend record: the file to answer from.", rich_help_panel=_RECORDINGS),
    ] = None,
) -> None:
    """Serve Vertex AI's contract for custom containers: instances in, predictions out.

    GET health is 503 while the model loads and 200 from then on; POST predict takes {"instances": [...]} and gives
    {"predictions": [...]}; GET /metrics is Prometheus's. An instance is a chat ("@requestFormat": "chatCompletions", as
    vLLM on Vertex AI takes it) or a forecast ("@requestFormat": "forecast"). Errors are {"error": "..."}: 400 a bad
    instance, 404 an unknown model or nothing recorded, 413 too large, 429 too many wait, 503 loading or failed.
    SIGTERM finishes the requests in flight and ends.
    """
    options = ServerOptions(
        model=model,
        weights=weights,
        adapter=adapter,
        context_tokens=context_tokens,
        answer_tokens=answer_tokens,
        answer_seconds=answer_seconds,
        parallel=parallel,
        queue=queue,
        threads=threads,
        start_seconds=start_seconds,
        stop_seconds=stop_seconds,
        recordings=recordings,
        vllm_command=vllm_command,
        vllm_arguments=tuple(shlex.split(vllm_arguments)),
    )
    try:
        failure = _run(backend, options, record, (host, port), health_route, predict_route)
    except (UnknownBackend, UnknownModel, CannotServe, PortInUse, ValueError) as error:
        _complain(str(error))
        raise typer.Exit(2) from None
    if failure:
        _complain(failure)
        raise typer.Exit(1)


def _run(
    name: str,
    options: ServerOptions,
    record: Path | None,
    address: tuple[str, int],
    health_route: str,
    predict_route: str | None,
) -> str:
    """Serve until told to stop; returns why the model could not be loaded, empty when it could."""
    backend = backend_named(name, options)
    if record is not None:
        backend = Recorded(backend, Recorder(record))
    route = predict_route or ("/predict" if options.model else "/predict/{model}")
    failures: list[str] = []

    def give_up(why: str) -> None:
        failures.append(why)
        server.should_exit = True

    served = create_app(backend, health_route, route, options.model, options, give_up)
    with Listening(*address) as listening:
        told = ", ".join(backend.models())
        Console(soft_wrap=True).print(
            f"Model server at {listening.url}{route}: {backend.runs} ({told})", markup=False
        )
        config = uvicorn.Config(
            served, log_level="warning", timeout_graceful_shutdown=int(options.stop_seconds)
        )
        server = uvicorn.Server(config)

        def end(number: int, frame: FrameType | None) -> None:
            server.should_exit = True

        # Uvicorn has handlers of its own while it runs, and raises the signal again afterwards: an end that was asked for
        # is no failure.
        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        server.run([listening.socket])
        for number, handler in before.items():
            signal.signal(number, handler)
    return failures[0] if failures else ""


def _complain(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(text, markup=False)


if __name__ == "__main__":
    app()
