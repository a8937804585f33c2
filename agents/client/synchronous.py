"""The gateway's client for ordinary programs."""

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self, TypeVar

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from agents.client import calls
from agents.client.calls import Call, answer_in, pause
from agents.client.errors import BackPressure, Unreachable
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


class GatewayClient:
    """An agent's way to the desk.

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
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.agent = agent
        self._clock = clock or WallClock()
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)
        self._retrying = Retrying(
            retry=retry_if_exception_type((BackPressure, Unreachable)),
            stop=stop_after_attempt(attempts),
            wait=pause,
            reraise=True,
            sleep=sleep,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def register(self, software: str = "") -> Registered:
        """Tell the desk that the agent is there."""
        return self._do(calls.register(software))

    def heartbeat(self, *, healthy: bool = True, latency_ms: float | None = None) -> Alive:
        """Give a sign of life; it costs no message budget."""
        return self._do(calls.heartbeat(Heartbeat(healthy=healthy, latency_ms=latency_ms)))

    def send(
        self,
        payload: Contract,
        recipient: str | None = None,
        *,
        correlation_id: str | None = None,
        message_id: str | None = None,
    ) -> Posted:
        """Say something to one agent, or to everyone."""
        call = calls.send(payload, self._clock, recipient, correlation_id, message_id)
        return self._do(call)

    def signal(self, signal: HftSignal, *, message_id: str | None = None) -> Posted:
        """Ask for a trade."""
        return self.send(signal, message_id=message_id)

    def thesis(self, thesis: TradeThesis, recipient: str | None = None) -> Posted:
        """Say why a trade should work."""
        return self.send(thesis, recipient)

    def discussion(self, discussion: StrategyDiscussion, recipient: str | None = None) -> Posted:
        """Contribute to a talk about how to trade."""
        return self.send(discussion, recipient)

    def question(self, question: Question, recipient: str | None = None) -> Posted:
        """Ask a peer, or everyone."""
        return self.send(question, recipient)

    def insight(self, insight: Insight, recipient: str | None = None) -> Posted:
        """Share what was noticed."""
        return self.send(insight, recipient)

    def inbox(self, wait: float = 0.0, most: int = 100) -> list[Message]:
        """Take what waits, up to `wait` seconds (30 at most) for the first; acknowledge it, or it comes again."""
        return self._do(calls.inbox(self.agent, wait, most))

    def ack(self, messages: Iterable[Message | str]) -> InboxAcknowledged:
        """Be done with messages, given themselves or by id; with none there is nothing to ask."""
        done = list(messages)
        if not done:
            return InboxAcknowledged(acknowledged=[], unknown=[])
        return self._do(calls.ack(self.agent, done))

    def guidance(self, agent: str | None = None) -> AgentGuidance:
        """What the portfolio asks of the agent, or of another."""
        return self._do(calls.guidance(agent or self.agent))

    def activity(self) -> dict[str, AgentActivity]:
        """How active everyone is."""
        return self._do(calls.activity())

    def participation_check(
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
        return self._do(calls.participation_check(self.agent, kind, about))

    def validate_trade(self, question: TradeQuestion) -> TradeValidation:
        """Whether the trade would pass the desk's checks now, and all that refuse it; it changes nothing."""
        return self._do(calls.validate_trade(self.agent, question))

    def roles(self) -> dict[str, AgentRole]:
        """Everyone on the desk."""
        return self._do(calls.roles())

    def portfolio(self) -> PortfolioStatus:
        """The desk's book as last known."""
        return self._do(calls.portfolio())

    def _do(self, call: Call[Answer]) -> Answer:
        answer: Answer = self._retrying.copy()(self._once, call)
        return answer

    def _once(self, call: Call[Answer]) -> Answer:
        try:
            response = self._http.request(
                call.method,
                call.path,
                json=call.body,
                params=call.params,
                timeout=TIMEOUT_SECONDS + call.waits,
            )
        except httpx.TransportError as error:
            raise Unreachable(f"{call.path} at {self._http.base_url}: {error!r}") from None
        return answer_in(response, call)
