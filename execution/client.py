"""The HTTP client with which jobs place orders: a deadline that binds, retries that cannot trade twice.

An order's client_order_id makes sending it again safe, so whatever may pass (a cut connection, 429, 5xx, an
answer that is no order) is tried again within the deadline. What is left unanswered then may have been
traded: ask again with the same request, never with a new id.

After several calls in a row without an answer the circuit opens: the next orders are given up at once, instead of
each holding up the job for its whole deadline, until one is let through again to see. Orders of a symbol keep their
order: they are sent one after the other, and what was given up is never sent behind a later one's back.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

import httpx
from pydantic import SecretStr, TypeAdapter, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from contracts.bookings import LedgerOrder, LedgerQuestion, LedgerReport
from contracts.orders import OrderRequest, OrderView, PositionView
from contracts.settings import Settings
from execution.circuit import Circuit
from execution.problem import Problem

_AGAIN = {408, 425, 429}
_POSITIONS = TypeAdapter(list[PositionView])


class OrderRefused(Exception):
    """The service refused the request (4xx): sending it again would be refused again. `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class OrderUnanswered(Exception):
    """No answer within the deadline: the order may or may not exist. The same request again tells."""


class _Passing(Exception):
    """A failure that may pass."""


@dataclass(frozen=True, slots=True)
class OrderClientOptions:
    """Where the service is and how long to wait; may be pickled, to be opened where it is used.

    The circuit opens after `failures_to_open` unanswered orders in a row, for `open_seconds`. With
    `heartbeat_seconds` the service is told that the desk lives, for as long as the client is open. A question to the
    ledger may take `ledger_seconds`.
    """

    url: str
    token: SecretStr = field(default=SecretStr(""), repr=False)
    deadline_seconds: float = 2.0
    attempts: int = 5
    failures_to_open: int = 5
    open_seconds: float = 5.0
    heartbeat_seconds: float = 0.0
    ledger_seconds: float = 1.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The options that the environment gives."""
        return cls(url=settings.execution_url, token=settings.execution_token, heartbeat_seconds=5.0)


class OrderClient:
    """Places orders over one kept connection; used by one thread at a time, outside of an event loop.

    It runs httpx on an event loop of its own, because only there can a call be cancelled: the timeouts of a
    blocking call bound each wait, not their sum.
    """

    def __init__(
        self,
        options: OrderClientOptions,
        transport: httpx.AsyncBaseTransport | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._ticks = ticks
        self._circuit = Circuit(options.failures_to_open, options.open_seconds)
        self._closing = threading.Event()
        self._runner = asyncio.Runner()
        headers = {"content-type": "application/json"}
        # An empty token is no header value; without one the service says what is missing.
        if token := options.token.get_secret_value():
            headers["authorization"] = f"Bearer {token}"
        self._http = httpx.AsyncClient(
            base_url=options.url,
            headers=headers,
            timeout=options.deadline_seconds,
            transport=transport,
        )
        if options.heartbeat_seconds:
            threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the connection; no more heartbeats."""
        self._closing.set()
        self._runner.run(self._http.aclose())
        self._runner.close()

    def submit(self, request: OrderRequest) -> OrderView:
        """The order as it was placed (maybe REJECTED); raises `OrderRefused` and `OrderUnanswered`."""
        wait = self._circuit.wait(self._ticks())
        if wait:
            raise OrderUnanswered(
                f"not sent: the last orders had no answer, the next is sent in {wait:.1f} s"
            )
        try:
            placed = self._runner.run(self._submit(request.to_json()))
        except OrderUnanswered:
            self._circuit.failed(self._ticks())
            raise
        except OrderRefused:
            self._circuit.answered()
            raise
        self._circuit.answered()
        return placed

    def ledger(self, question: LedgerQuestion) -> LedgerReport:
        """What the ledger says; a report without positions, and with the reason, when it does not answer in time."""
        if self._circuit.wait(self._ticks()):
            return LedgerReport(positions=None, reason="not asked: the last orders had no answer")
        try:
            return self._runner.run(self._ledger(question))
        except (TimeoutError, httpx.TransportError, _Passing, OrderRefused) as error:
            reason = f"{type(error).__name__.strip('_')} {error}".strip()
            return LedgerReport(positions=None, reason=reason[:1_000])

    async def _ledger(self, question: LedgerQuestion) -> LedgerReport:
        async with asyncio.timeout(self._options.ledger_seconds):
            orders = await asyncio.gather(*(self._order(name) for name in question.orders))
            found = await self._read("/positions", {"desk": question.desk})
        try:
            positions = _POSITIONS.validate_json(found.content)
        except ValidationError:
            raise _Passing("the answer is no list of positions") from None
        held = {position.symbol: position.quantity for position in positions if position.quantity}
        return LedgerReport(positions=held, orders=orders)

    async def _order(self, client_order_id: str) -> LedgerOrder:
        found = await self._read(f"/orders/{client_order_id}")
        if found.status_code == httpx.codes.NOT_FOUND:
            return LedgerOrder(client_order_id=client_order_id, status=None)
        try:
            order = OrderView.from_json(found.content)
        except ValidationError:
            raise _Passing(f"the answer about {client_order_id} is no order") from None
        return LedgerOrder(
            client_order_id=client_order_id, status=order.status, filled_quantity=order.filled_quantity
        )

    async def _read(self, path: str, params: dict[str, str] | None = None) -> httpx.Response:
        response = await self._http.get(path, params=params)
        if response.is_success or (response.status_code == httpx.codes.NOT_FOUND and not params):
            return response
        raise _Passing(str(_problem_in(response)))

    def _beat(self) -> None:
        """Say that the desk lives, until the client is closed; what does not get through is said again soon."""
        with httpx.Client(
            base_url=self._options.url, headers=self._http.headers, timeout=self._options.deadline_seconds
        ) as http:
            while not self._closing.is_set():
                with suppress(httpx.HTTPError):
                    http.post("/heartbeat")
                self._closing.wait(self._options.heartbeat_seconds)

    async def _submit(self, body: bytes) -> OrderView:
        last = "no attempt was answered"
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_Passing),
            wait=wait_random_exponential(multiplier=0.05, max=0.5),
            stop=stop_after_attempt(self._options.attempts),
        )
        try:
            async with asyncio.timeout(self._options.deadline_seconds):
                async for attempt in retrying:
                    with attempt:
                        try:
                            return await self._send(body)
                        except _Passing as error:
                            last = str(error)
                            raise
        except TimeoutError:
            raise OrderUnanswered(f"no answer within {self._options.deadline_seconds} s: {last}") from None
        except RetryError:
            raise OrderUnanswered(f"no answer in {self._options.attempts} attempts: {last}") from None
        raise OrderUnanswered(last)

    async def _send(self, body: bytes) -> OrderView:
        try:
            response = await self._http.post("/orders", content=body)
        except httpx.TransportError as error:
            raise _Passing(f"{type(error).__name__} {error}".strip()) from error
        if response.status_code >= 500 or response.status_code in _AGAIN:
            raise _Passing(str(_problem_in(response)))
        if not response.is_success:
            raise OrderRefused(_problem_in(response))
        try:
            return OrderView.from_json(response.content)
        except ValidationError:
            raise _Passing(f"{response.status_code}, but the answer is no order") from None


def _problem_in(response: httpx.Response) -> Problem:
    """The problem that a response describes, or one made from its status when it is not ours."""
    try:
        return Problem.model_validate_json(response.content)
    except ValidationError:
        return Problem(
            title=response.reason_phrase or "error",
            status=response.status_code,
            detail="the answer is not a problem",
        )
