"""`sapphire control`: change the running desk by a message in its own log."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.cli.failures import UsageError
from infra.cli.posting import post
from infra.cli.run import STATE_DIR

app = typer.Typer(
    name="control",
    help="Change the running desk: budgets, who is heard, goal, limits, halt and release. All of it is audited in BigQuery.",
    epilog="Example: [bold]sapphire control mute hummingbot-mm --reason 'repeats itself'[/bold]",
    no_args_is_help=True,
)

Agent = Annotated[str, typer.Argument(help="An agent of the roster, such as freqtrade-hft.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the audit.")]
By = Annotated[str | None, typer.Option(help="Who; it stands in the audit.", show_default="your user name")]
StateDir = Annotated[Path, typer.Option(help="The local run's state folder.")]
Url = Annotated[
    str | None, typer.Option(help="The gateway.", show_default="the local run's, or SAPPHIRE_GATEWAY_URL")
]


@app.callback()
def _control() -> None:
    """Change the running desk; the token is SAPPHIRE_ADMIN_TOKEN, or the local run's own."""


@app.command(epilog="Example: [bold]sapphire control threshold deepseek-v3 0.7 --reason 'too chatty'[/bold]")
def threshold(
    agent: Agent,
    value: Annotated[float, typer.Argument(help="From 0 (hears everything) to 1.", min=0.0, max=1.0)],
    reason: Reason = "",
    by: By = None,
    url: Url = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Set how relevant a broadcast must be to reach an agent."""
    _publish({"action": "threshold", "agent": agent, "threshold": value}, reason, by, url, state_dir)


@app.command(epilog="Example: [bold]sapphire control budget freqtrade-hft signal 5 --burst 10[/bold]")
def budget(
    agent: Agent,
    message_class: Annotated[str, typer.Argument(help="signal or chatter.")],
    seconds: Annotated[float, typer.Argument(help="On average one message in so many seconds.")],
    burst: Annotated[int, typer.Option(help="At most so many at once.")] = 3,
    reason: Reason = "",
    by: By = None,
    url: Url = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Set how often an agent may speak; what it spent stays spent."""
    body = {"seconds_per_message": seconds, "burst": burst}
    asked = {"action": "budget", "agent": agent, "message_class": message_class, "budget": body}
    _publish(asked, reason, by, url, state_dir)


@app.command(epilog="Example: [bold]sapphire control mute hummingbot-mm[/bold]")
def mute(
    agent: Agent, reason: Reason = "", by: By = None, url: Url = None, state_dir: StateDir = STATE_DIR
) -> None:
    """Refuse an agent's signals and chatter until it is unmuted."""
    _publish({"action": "mute", "agent": agent}, reason, by, url, state_dir)


@app.command(epilog="Example: [bold]sapphire control unmute hummingbot-mm[/bold]")
def unmute(
    agent: Agent, reason: Reason = "", by: By = None, url: Url = None, state_dir: StateDir = STATE_DIR
) -> None:
    """Hear a muted agent again."""
    _publish({"action": "unmute", "agent": agent}, reason, by, url, state_dir)


@app.command(epilog="Example: [bold]sapphire control goal market_neutral[/bold]")
def goal(
    value: Annotated[
        str,
        typer.Argument(
            help="maximum_profit, consistent_returns, risk_adjusted_returns, volatility_harvesting or market_neutral."
        ),
    ],
    reason: Reason = "",
    by: By = None,
    url: Url = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Set what the portfolio is steered towards."""
    _publish({"action": "goal", "goal": value}, reason, by, url, state_dir)


@app.command(epilog="Example: [bold]sapphire control halt --flatten --reason 'prices look wrong'[/bold]")
def halt(
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position too.")] = False,
    reason: Reason = "",
    by: By = None,
    url: Url = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Pull the desk's kill switch: no new orders until `sapphire control release`; `sapphire kill` stops the last door."""
    _publish({"action": "kill", "flatten": flatten}, reason, by, url, state_dir)


@app.command(epilog="Example: [bold]sapphire control release --reason 'the drawdown is understood'[/bold]")
def release(reason: Reason = "", by: By = None, url: Url = None, state_dir: StateDir = STATE_DIR) -> None:
    """Let new risk go again: after a halt, by hand or by drawdown, and where book and ledger differ."""
    _publish({"action": "release"}, reason, by, url, state_dir)


@app.command(epilog="Example: [bold]sapphire control limits desk_gross=0.6 orders_per_minute=30[/bold]")
def limits(
    changes: Annotated[
        list[str],
        typer.Argument(metavar="NAME=VALUE...", help="Limits as `sapphire limits show` names them."),
    ],
    reason: Reason = "",
    by: By = None,
    url: Url = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Change limits of the desk; they hold over the file's, also after a restart, until they are changed again."""
    named: dict[str, str | None] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or not value:
            raise UsageError(f"{change} is no change: write NAME=VALUE, such as desk_gross=0.6")
        named[name] = None if value == "null" else value
    _publish({"action": "limits", "limits": named}, reason, by, url, state_dir)


def _publish(asked: dict[str, Any], reason: str, by: str | None, url: str | None, state_dir: Path) -> None:
    from pydantic import ValidationError
    from rich.console import Console

    from contracts.controls import Control
    from contracts.refusals import describe
    from contracts.settings import Settings

    try:
        control = Control.model_validate(asked | {"reason": reason, "issued_by": by or getpass.getuser()})
    except ValidationError as error:
        raise UsageError(describe(error)) from None
    settings = Settings()
    address, token = settings.gateway_url, settings.admin_token.get_secret_value()
    if not token:
        address, token = _local(state_dir)
    answer = post("gateway", url or address, "/controls", token, control.model_dump(mode="json"))
    Console(soft_wrap=True).print(
        f"published as {answer['message_id']}: in force from its place in the desk's log on; "
        "the table controls shows it",
        markup=False,
        highlight=False,
    )


def _local(state_dir: Path) -> tuple[str, str]:
    import orjson

    from infra.local.state import StateFolder

    file = StateFolder(state_dir).operators
    if not file.is_file():
        raise UsageError(
            "no local run is there to be controlled: set SAPPHIRE_ADMIN_TOKEN and SAPPHIRE_GATEWAY_URL"
        )
    found = orjson.loads(file.read_bytes())
    return str(found["gateway"]), str(found["token"])
