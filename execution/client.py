"""The HTTP client with which jobs place orders: a deadline that binds, retries that cannot trade twice.

An order's client_order_id makes sending it again safe, so whatever may pass (a cut connection, 429, 5xx, an
answer that is no order) is tried again within the deadline. What is left unanswered then may have been
traded: ask again with the same request, never with a new id.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Self

import httpx
from pydantic import SecretStr, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from contracts.orders import OrderRequest, OrderView
from contracts.settings import Settings
from execution.problem import Problem

_AGAIN = {408, 425, 429}


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
    """Where the service is and how long to wait; may be pickled, to be opened where it is used."""

    url: str
    token: SecretStr = field(default=SecretStr(""), repr=False)
    deadline_seconds: float = 2.0
    attempts: int = 5

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The options that the environment gives."""
        return cls(url=settings.execution_url, token=settings.execution_token)


class OrderClient:
    """Places orders over one kept connection; used by one thread at a time, outside of an event loop.

    It runs httpx on an event loop of its own, because only there can a call be cancelled: the timeouts of a
    blocking call bound each wait, not their sum.
    """

    def __init__(
        self, options: OrderClientOptions, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._options = options
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

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._runner.run(self._http.aclose())
        self._runner.close()

    def submit(self, request: OrderRequest) -> OrderView:
        """The order as it was placed (maybe REJECTED); raises `OrderRefused` and `OrderUnanswered`."""
        return self._runner.run(self._submit(request.to_json()))

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
