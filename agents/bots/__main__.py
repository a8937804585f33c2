"""`python -m agents.bots freqtrade-hft`: a stand-in bot as a process."""

import asyncio
import signal
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from agents.bots.bot import Bot, NoMarket
from agents.bots.core import BotCore
from agents.client import AsyncGatewayClient, Refused
from agents.rules.rule import rule_named
from contracts.roster import RosterError, read_roster
from contracts.settings import Settings
from contracts.topics import market_data_for


class WrongBot(ValueError):
    """There is no such bot; the text says which there are."""


async def _run(name: str, settings: Settings) -> None:
    roster = read_roster(settings.roster)
    bots = [profile.agent for profile in roster.agents if not profile.is_model_backed]
    if name not in bots:
        raise WrongBot(f"{name} is no bot of the roster; there are {', '.join(bots)}")
    token = settings.agent_token.get_secret_value()
    if not token:
        raise WrongBot(f"{name} has no token: give it in SAPPHIRE_AGENT_TOKEN")
    profile = roster.by_agent[name]
    core = BotCore(roster, profile, rule_named(profile.backing.rule))
    subscription = market_data_for(name).path(settings.project)
    async with AsyncGatewayClient(name, token, settings.gateway_url, clock=settings.desk_clock) as client:
        task = asyncio.ensure_future(Bot(core, client, subscription).run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task


def main(
    bot: Annotated[str, typer.Argument(help="freqtrade-hft or hummingbot-mm")],
) -> None:
    """Run a rule program that stands in for a bot and speaks to the gateway as the bot will.

    Example: SAPPHIRE_AGENT_TOKEN=... python -m agents.bots freqtrade-hft
    """
    problem = ""
    try:
        asyncio.run(_run(bot, Settings()))
    except* (RosterError, WrongBot, NoMarket, Refused) as failed:
        problem = "; ".join(str(error) for error in failed.exceptions)
    if problem:
        Console(stderr=True).print(problem, style="red", markup=False, highlight=False)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
