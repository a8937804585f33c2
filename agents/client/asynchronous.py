"""The gateway's client for asyncio programs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import Self, TypeVar

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

from agents.client import calls
from agents.client.calls import Call, answer_in, pause
from agents.client.errors import BackPressure, Unreachable
from agents.client.listening import listen
from agents.gateway.answers import (
    AgentActivity,
    AgentGuidance,
    AgentRole,
    Alive,
    InboxAcknowledged,
    ParticipationCheck,
    PortfolioStatus,
    Posted,
    Registered,
    TradeValidation,
)
from contracts.message import Message, MessageType
from contracts.model import Contract
from contracts.payloads import Heartbeat, HftSignal, Insight, Question, StrategyDiscussion, TradeThesis
from contracts.risk.trade_question import TradeQuestion
from contracts.time import Clock, WallClock

Answer = TypeVar("Answer")

ATTEMPTS = 5
TIMEOUT_SECONDS = 10.0


class AsyncGatewayClient:
    """An agent's way to the desk, for asyncio.

    A call that did not get through is tried again, up to `attempts` times; what is said keeps its message_id, so
    that it is heard once. Raises `Refused`, `BackPressure` or `Unreachable`. `transport` stands in for the network
    in tests; `clock` dates message ids.
    """

    def __init__(
        self,
        agent: str,
        token: str,
        url: str = "http://127.0.0.1:8081",
        *,
        attempts: int = ATTEMPTS,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.agent = agent
        self._clock = clock or WallClock()
        self._url = url
        self._token = token
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport
        )
        self._retrying = AsyncRetrying(
            retry=retry_if_exception_type((BackPressure, Unreachable)),
            stop=stop_after_attempt(attempts),
            wait=pause,
            reraise=True,
            sleep=sleep,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def register(self, software: str = "") -> Registered:
        """Tell the desk that the agent is there."""
        return await self._do(calls.register(software))

    async def heartbeat(self, *, healthy: bool = True, latency_ms: float | None = None) -> Alive:
        """Give a sign of life; it costs no message budget."""
        return await self._do(calls.heartbeat(Heartbeat(healthy=healthy, latency_ms=latency_ms)))

    async def send(
        self,
        payload: Contract,
        recipient: str | None = None,
        *,
        correlation_id: str | None = None,
        message_id: str | None = None,
    ) -> Posted:
        """Say something to one agent, or to everyone."""
        call = calls.send(payload, self._clock, recipient, correlation_id, message_id)
        return await self._do(call)

    async def signal(self, signal: HftSignal, *, message_id: str | None = None) -> Posted:
        """Ask for a trade."""
        return await self.send(signal, message_id=message_id)

    async def thesis(self, thesis: TradeThesis, recipient: str | None = None) -> Posted:
        """Say why a trade should work."""
        return await self.send(thesis, recipient)

    async def discussion(self, discussion: StrategyDiscussion, recipient: str | None = None) -> Posted:
        """Contribute to a talk about how to trade."""
        return await self.send(discussion, recipient)

    async def question(self, question: Question, recipient: str | None = None) -> Posted:
        """Ask a peer, or everyone."""
        return await self.send(question, recipient)

    async def insight(self, insight: Insight, recipient: str | None = None) -> Posted:
        """Share what was noticed."""
        return await self.send(insight, recipient)

    async def inbox(self, wait: float = 0.0, most: int = 100) -> list[Message]:
        """Take what waits, up to `wait` seconds (30 at most) for the first; acknowledge it, or it comes again."""
        return await self._do(calls.inbox(self.agent, wait, most))

    async def ack(self, messages: Iterable[Message | str]) -> InboxAcknowledged:
        """Be done with messages, given themselves or by id; with none there is nothing to ask."""
        done = list(messages)
        if not done:
            return InboxAcknowledged(acknowledged=[], unknown=[])
        return await self._do(calls.ack(self.agent, done))

    def listen(self) -> AsyncGenerator[Message, None]:
        """What is delivered, as it arrives, over a WebSocket that is opened again when it ends.

        A message is acknowledged when the loop comes back for the next one.
        """
        return listen(self._url, self.agent, self._token)

    async def guidance(self, agent: str | None = None) -> AgentGuidance:
        """What the portfolio asks of the agent, or of another."""
        return await self._do(calls.guidance(agent or self.agent))

    async def activity(self) -> dict[str, AgentActivity]:
        """How active everyone is."""
        return await self._do(calls.activity())

    async def participation_check(
        self,
        kind: MessageType,
        *,
        symbol: str | None = None,
        topic: str | None = None,
        conviction: float | None = None,
        recipient: str | None = None,
    ) -> ParticipationCheck:
        """Whether such a message would be admitted now, and who would hear it; it changes nothing."""
        about = {"symbol": symbol, "topic": topic, "conviction": conviction, "recipient": recipient}
        return await self._do(calls.participation_check(self.agent, kind, about))

    async def validate_trade(self, question: TradeQuestion) -> TradeValidation:
        """Whether the trade would pass the desk's checks now, and all that refuse it; it changes nothing."""
        return await self._do(calls.validate_trade(self.agent, question))

    async def roles(self) -> dict[str, AgentRole]:
        """Everyone on the desk."""
        return await self._do(calls.roles())

    async def portfolio(self) -> PortfolioStatus:
        """The desk's book as last known."""
        return await self._do(calls.portfolio())

    async def _do(self, call: Call[Answer]) -> Answer:
        answer: Answer = await self._retrying.copy()(self._once, call)
        return answer

    async def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = await self._http.request(
                call.method,
                call.path,
                json=call.body,
                params=call.params,
                timeout=TIMEOUT_SECONDS + call.waits,
            )
        except httpx.TransportError as error:
            raise Unreachable(f"{call.path} at {self._http.base_url}: {error!r}") from None
        return answer_in(response, call)
