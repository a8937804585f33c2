"""The inboxes of every external agent: what arrives from Pub/Sub, what agents take and acknowledge."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from agents.gateway.inbox import Acknowledged, Arrival, Inbox, Named
from agents.gateway.measures import Measures
from agents.gateway.subscription import Received
from contracts.message import Message
from contracts.refusals import DeadLetter, Refusal, dead_letter, read_message
from contracts.time import Clock, WallClock, from_micros

log = structlog.get_logger()

LEASE_SECONDS = 30.0
"""How long an agent has to acknowledge what it took."""


class Reader(Protocol):
    """The transport of one inbox."""

    @property
    def problem(self) -> str | None:
        """Why nothing is being read; None while all is well."""
        ...

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """The transport may forget these."""
        ...


class Inboxes:
    """One inbox for each of `agents`; everything but `receive` happens on the event loop.

    `bury` is handed what could not be read.
    """

    def __init__(
        self,
        agents: Iterable[str],
        measures: Measures,
        bury: Callable[[DeadLetter], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Clock | None = None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._inboxes = {agent: Inbox(lease_seconds) for agent in agents}
        self._readers: dict[str, Reader] = {}
        self._arrived = {agent: asyncio.Event() for agent in self._inboxes}
        self._measures = measures
        self._bury = bury
        self._monotonic = monotonic
        self._closing = False
        self._wall = wall or WallClock()

    @property
    def agents(self) -> tuple[str, ...]:
        """Who has an inbox here."""
        return tuple(self._inboxes)

    @property
    def held(self) -> int:
        """Messages that wait for an acknowledgement, all inboxes together."""
        return sum(len(inbox) for inbox in self._inboxes.values())

    @property
    def problems(self) -> list[str]:
        """Why inboxes are not being read, one sentence for each that is not."""
        missing = [f"{agent}'s inbox has no reader" for agent in self._inboxes if agent not in self._readers]
        return missing + [reader.problem for reader in self._readers.values() if reader.problem is not None]

    def read_through(self, agent: str, reader: Reader) -> None:
        """Return the receipts of the agent's messages to `reader`."""
        self._readers[agent] = reader

    def receipts(self, agent: str) -> list[str]:
        """The receipts of what the agent's inbox holds."""
        return self._inboxes[agent].receipts

    def receive(self, loop: asyncio.AbstractEventLoop, agent: str, received: Received) -> None:
        """Take in what came for `agent`; called on the reader's thread."""
        moment = self._wall.now()
        loop.call_soon_threadsafe(self.arrive, agent, received, moment)

    def arrive(self, agent: str, received: Received, moment: datetime) -> None:
        """Put what came at wall-clock `moment` into the agent's inbox, or bury it when it is no message."""
        try:
            message = read_message(received.data)
        except Refusal as refusal:
            self._refuse(agent, received, refusal)
            return
        arrival = self._inboxes[agent].arrive(message, received.receipt)
        if arrival is Arrival.DONE:
            self._readers[agent].acknowledge([received.receipt])
        elif arrival is Arrival.NEW:
            self._measures.matched += 1
            self._measure(received, moment)
            self._arrived[agent].set()

    async def take(self, agent: str, wait_seconds: float, most: int, taker: object = None) -> list[Message]:
        """Lease up to `most` messages of the agent's to `taker`; waits up to `wait_seconds` for the first."""
        inbox, arrived = self._inboxes[agent], self._arrived[agent]
        until = self._monotonic() + wait_seconds
        while True:
            arrived.clear()
            now = self._monotonic()
            messages = inbox.take(now, most, taker)
            if messages or now >= until or self._closing:
                return messages
            change = inbox.next_change(now)
            pause = min(until, until if change is None else change) - now
            try:
                # Not wait_for: in Python 3.11 it swallows a cancellation that comes as the event is set.
                async with asyncio.timeout(pause):
                    await arrived.wait()
            except TimeoutError:
                continue

    def release(self, agent: str, taker: object) -> None:
        """Hand out again what `taker` has on lease: it is gone."""
        self._inboxes[agent].release(taker)
        self._arrived[agent].set()

    @property
    def is_closing(self) -> bool:
        """Whether the gateway is about to stop."""
        return self._closing

    def end_polls(self) -> None:
        """Answer whoever waits, now and from now on: the gateway is about to stop."""
        self._closing = True
        for arrived in self._arrived.values():
            arrived.set()

    def acknowledge(self, agent: str, names: Iterable[str | Named]) -> Acknowledged:
        """End messages of the agent's inbox and tell Pub/Sub."""
        done = self._inboxes[agent].acknowledge(names)
        if done.receipts:
            self._readers[agent].acknowledge(done.receipts)
            self._arrived[agent].set()
        self._measures.acknowledged += done.ended
        return done

    def _measure(self, received: Received, moment: datetime) -> None:
        sent_at = received.attributes.get("sent_at")
        if sent_at is None:
            return
        try:
            sent = datetime.fromisoformat(sent_at)
            self._measures.latency((moment - sent).total_seconds() * 1_000)
        except (ValueError, TypeError):
            log.warning("sent_at is not a time", sent_at=sent_at[:64])

    def _refuse(self, agent: str, received: Received, refusal: Refusal) -> None:
        self._measures.matched += 1
        self._measures.unreadable += 1
        published = from_micros(int(received.publish_time * 1_000_000))
        self._bury(
            dead_letter(
                "gateway", f"inbox-{agent}", refusal, received.data, published, dict(received.attributes)
            )
        )
        self._readers[agent].acknowledge([received.receipt])
