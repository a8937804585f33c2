"""From a bot's message to another bot's inbox: gateway, Pub/Sub, the coordination job, Pub/Sub, gateway, on this machine.

Only those processes run (tests/end_to_end/coordination_stand.py). The time is the gateway's own measure of every message:
from its publishing to its arrival in the inbox, by the wall clock.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import cast

import httpx
import redis

from agents.client import AsyncGatewayClient
from agents.gateway.measures import LATENCY
from contracts.payloads import Question
from tests.benchmarks.figure import CannotRun, Figure, Figures
from tests.end_to_end.coordination_stand import Stand, stand

SENDER, HEARER = "freqtrade-hft", "hummingbot-mm"
RATES = {20: 15.0, 100: 10.0}
"""Messages a second, and for how many seconds."""

WARM_UP_MESSAGES = 40
BUDGET_P99_MS = 100.0
"""At 20 messages a second; DESIGN section 6."""

_PATIENCE_SECONDS = 30.0


def measure() -> Figures:
    """p50 and p99 at each rate, the slowest, and what the job costs a message."""
    with (
        tempfile.TemporaryDirectory(prefix="sapphire-bench-") as folder,
        stand(Path(folder) / "state") as there,
    ):
        _widen_the_budget(there)
        _samples(there, 20, WARM_UP_MESSAGES)
        figures: Figures = {}
        for rate, seconds in RATES.items():
            samples = _samples(there, rate, round(rate * seconds))
            cuts = quantiles(samples, n=100, method="inclusive")
            name = f"message to inbox at {rate}/s"
            beside = {"budget": BUDGET_P99_MS} if rate == min(RATES) else {}
            figures[f"{name}, p50"] = Figure(cuts[49], "ms")
            figures[f"{name}, p99"] = Figure(cuts[98], "ms", beside)
            figures[f"{name}, slowest of {len(samples):,}"] = Figure(max(samples), "ms")
        return figures


def _widen_the_budget(there: Stand) -> None:
    body = {
        "action": "budget",
        "agent": SENDER,
        "message_class": "chatter",
        "budget": {"seconds_per_message": 0.001, "burst": 10_000},
        "issued_by": "benchmark",
    }
    headers = {"Authorization": f"Bearer {there.operators_token}"}
    httpx.post(f"{there.gateway_url}/controls", json=body, headers=headers).raise_for_status()


def _samples(there: Stand, rate: int, count: int) -> list[float]:
    """Say `count` messages at that rate and hear them all; the milliseconds that the gateway measured."""
    key = there.desk.latency(LATENCY)
    with redis.Redis.from_url(there.redis_url) as server:
        server.delete(key)
        asyncio.run(_talk(there, rate, count))
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while server.llen(key) < count:
            if time.monotonic() > deadline:
                raise CannotRun(f"the gateway told only {server.llen(key)} of {count} latencies")
            time.sleep(0.1)
        found = cast("list[bytes]", server.lrange(key, 0, -1))
    return [float(sample) for sample in found]


async def _talk(there: Stand, rate: int, count: int) -> None:
    async with there.async_client(SENDER) as sender, there.async_client(HEARER) as hearer:
        hearing = asyncio.create_task(_hear(hearer, count))
        began = time.monotonic()
        said = []
        for number in range(count):
            await asyncio.sleep(began + number / rate - time.monotonic())
            said.append(
                asyncio.create_task(sender.question(Question(topic="pace", question=f"{number}?"), HEARER))
            )
        await asyncio.gather(*said)
        await asyncio.wait_for(hearing, _PATIENCE_SECONDS)


async def _hear(hearer: AsyncGatewayClient, count: int) -> None:
    heard = 0
    async for message in hearer.listen():
        heard += isinstance(message.payload, Question)
        if heard > count - 1:
            await hearer.ack([message])
            return
