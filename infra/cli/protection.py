"""`sapphire kill` and `sapphire release`: stop trading at the last door, and let it go on."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.failures import UsageError
from infra.cli.posting import post
from infra.cli.run import STATE_DIR

KILL = "Example: [bold]sapphire kill --reason 'prices look wrong' --flatten[/bold]"
RELEASE = "Example: [bold]sapphire release --reason 'prices checked'[/bold]"

Reason = Annotated[str, typer.Option(help="Why; it stands in the audit.")]
By = Annotated[str | None, typer.Option(help="Who; it stands in the audit.", show_default="your user name")]
StateDir = Annotated[Path, typer.Option(help="The local run's state folder.")]
Url = Annotated[
    str | None, typer.Option(help="The execution service.", show_default="SAPPHIRE_EXECUTION_URL")
]


def kill(
    reason: Reason,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position too.")] = False,
    by: By = None,
    url: Url = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Stop trading now: cancel everything that is open, take no new risk until it is released.

    The token is SAPPHIRE_EXECUTION_ADMIN_TOKEN, or the local run's own.
    """
    state = _post("/kill", {"reason": reason, "flatten": flatten}, by, url, state_dir)
    _say(f"{state['stopped']}; {state['open_orders']} orders are still open")


def release(reason: Reason, by: By = None, url: Url = None, state_dir: StateDir = STATE_DIR) -> None:
    """Let orders through again, after `sapphire kill` or when the service stopped itself.

    The token is SAPPHIRE_EXECUTION_ADMIN_TOKEN, or the local run's own.
    """
    state = _post("/release", {"reason": reason}, by, url, state_dir)
    _say(state["stopped"] or "released: new orders are taken")


def _post(
    path: str, body: dict[str, object], by: str | None, url: str | None, state_dir: Path
) -> dict[str, object]:
    from contracts.settings import Settings

    settings = Settings()
    token = settings.execution_admin_token.get_secret_value() or _local_token(state_dir)
    body |= {"issued_by": by or getpass.getuser()}
    return post("execution service", url or settings.execution_url, path, token, body)


def _local_token(state_dir: Path) -> str:
    import orjson

    from infra.local.state import StateFolder

    file = StateFolder(state_dir).execution_tokens
    if not file.is_file():
        raise UsageError("set SAPPHIRE_EXECUTION_ADMIN_TOKEN to the token of scope admin")
    return str(orjson.loads(file.read_bytes())["admin"])


def _say(text: object) -> None:
    from rich.console import Console

    Console(soft_wrap=True).print(str(text), markup=False, highlight=False)
