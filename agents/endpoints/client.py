"""The endpoint client: one call is over at its deadline, whatever the network does; a broken endpoint is left alone."""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as DeadlinePassed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from google.api_core import exceptions as google
from google.auth.exceptions import GoogleAuthError
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from agents.endpoints.asking import CallFailed, Reply
from agents.endpoints.breaker import Breaker, BreakerPolicy
from agents.endpoints.directory import Vertex
from agents.endpoints.retry_after import retry_after
from contracts.decisions import CallStatus

if TYPE_CHECKING:
    from google.cloud.aiplatform_v1 import PredictionServiceClient

_THREADS_PER_ENDPOINT = 4
_CLIENT_ERRORS = (google.GoogleAPIError, GoogleAuthError, requests.RequestException, json_format.ParseError)
_TRANSIENT = frozenset({CallStatus.THROTTLED, CallStatus.UNAVAILABLE, CallStatus.UNREACHABLE})


@dataclass(frozen=True)
class VertexConnection:
    """The connection to endpoints on Vertex AI.

    `endpoints` gives the resource name of each display name (`directory.find_endpoints` finds them). A call
    ends after `deadline_seconds` in all, its retries included: at most `attempts`, after 429, 5xx and a
    broken connection, with waits drawn from a growing range that begins at `wait_seconds`, or as long as the endpoint
    asks for; a wait that would pass the deadline ends the call. `breaker` says when an endpoint is left alone.
    """

    vertex: Vertex
    endpoints: Mapping[str, str] = field(hash=False)
    deadline_seconds: float = 5.0
    attempts: int = 3
    wait_seconds: float = 0.1
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)

    def connect(self) -> "EndpointClient":
        """The client; importing aiplatform makes this take seconds."""
        from google.cloud.aiplatform_v1 import PredictionServiceClient

        return EndpointClient(self, PredictionServiceClient(**self.vertex.client_arguments()))


@dataclass(slots=True)
class _Tally:
    """How many attempts a call has made so far: read by who gave up waiting for it."""

    attempts: int = 0


@dataclass(eq=False)  # no slots: RunInference shares it by a weak reference
class EndpointClient:
    """Asks endpoints through aiplatform's prediction client.

    Each endpoint has a few threads of its own, on which its calls run, because a socket's timeout starts anew
    with every byte that arrives: a slow endpoint can only use up what is its own. And each has a circuit breaker, whose
    `clock` tells seconds; while it is open, calls fail at once.
    """

    config: VertexConnection
    predictions: "PredictionServiceClient"
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _threads: dict[str, ThreadPoolExecutor] = field(default_factory=dict)
    _breakers: dict[str, Breaker] = field(default_factory=dict)

    def breaker(self, endpoint: str) -> Breaker:
        """The endpoint's circuit breaker."""
        return self._breakers.setdefault(endpoint, Breaker(self.config.breaker, self.clock))

    def ask(self, endpoint: str, instance: dict[str, Any]) -> Reply:
        """The first prediction of the endpoint for `instance`; raises `CallFailed`."""
        if endpoint not in self.config.endpoints:
            raise CallFailed(CallStatus.REFUSED, f"the endpoint {endpoint} was not resolved", 0)
        breaker = self.breaker(endpoint)
        wait = breaker.admit()
        if wait > 0:
            told = f"the endpoint {endpoint} kept failing; it is left alone for another {wait:.1f} s"
            raise CallFailed(CallStatus.CIRCUIT_OPEN, told, 0)
        try:
            reply = self._called(endpoint, instance)
        except CallFailed as failed:
            breaker.failed(failed.retry_after)
            raise
        breaker.succeeded()
        return reply

    def _called(self, endpoint: str, instance: dict[str, Any]) -> Reply:
        threads = self._threads.setdefault(endpoint, ThreadPoolExecutor(_THREADS_PER_ENDPOINT, endpoint))
        tally = _Tally()
        ends = time.monotonic() + self.config.deadline_seconds
        call = threads.submit(self._attempts, self.config.endpoints[endpoint], instance, ends, tally)
        try:
            return Reply(call.result(self.config.deadline_seconds), tally.attempts)
        except DeadlinePassed:
            attempts = 0 if call.cancel() else max(tally.attempts, 1)
            seconds = self.config.deadline_seconds
            raise CallFailed(CallStatus.DEADLINE, f"no answer within {seconds:g} s", attempts) from None
        except CallFailed as failed:
            raise CallFailed(failed.status, failed.error, tally.attempts, failed.retry_after) from None

    def _attempts(self, resource: str, instance: dict[str, Any], ends: float, tally: _Tally) -> object:
        jittered = wait_random_exponential(self.config.wait_seconds, max=self.config.deadline_seconds)

        def wait(state: RetryCallState) -> float:
            return max(jittered(state), _asked_for(state))

        retrying = Retrying(
            stop=stop_after_attempt(self.config.attempts) | stop_before_delay(ends - time.monotonic()),
            wait=wait,
            sleep=self.sleep,
            retry=retry_if_exception(_is_transient),
            reraise=True,
        )
        return retrying(self._attempt, resource, instance, ends, tally)

    def _attempt(self, resource: str, instance: dict[str, Any], ends: float, tally: _Tally) -> object:
        remaining = ends - time.monotonic()
        if remaining <= 0:
            raise CallFailed(CallStatus.DEADLINE, "no time was left for another attempt")
        tally.attempts += 1
        try:
            response = self.predictions.predict(
                endpoint=resource,
                instances=[json_format.ParseDict(instance, Value())],
                retry=None,
                timeout=remaining,
            )
        except (
            google.GoogleAPIError,
            GoogleAuthError,
            requests.RequestException,
            json_format.ParseError,
        ) as error:
            raise _failure(error) from None
        content = json_format.MessageToDict(type(response).pb(response))
        predicted = content.get("predictions") or []
        if not predicted:
            raise CallFailed(
                CallStatus.NOT_JSON, f"no predictions in the answer: {json.dumps(content)[:200]}"
            )
        return predicted[0]


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, CallFailed) and error.status in _TRANSIENT


def _failure(error: Exception) -> CallFailed:
    """What an error of the client libraries means for the call."""
    told = f"{type(error).__name__}: {error}"[:500]
    for kinds, status in _MEANINGS:
        if isinstance(error, kinds):
            return CallFailed(status, told, retry_after=retry_after(error))
    return CallFailed(CallStatus.REFUSED, told)


def _asked_for(state: RetryCallState) -> float:
    """How long the endpoint asked us to wait after the attempt that just failed."""
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, CallFailed) else 0.0


_MEANINGS: tuple[tuple[tuple[type[Exception], ...], CallStatus], ...] = (
    ((requests.Timeout,), CallStatus.DEADLINE),
    ((requests.RequestException,), CallStatus.UNREACHABLE),
    ((google.TooManyRequests,), CallStatus.THROTTLED),
    ((google.DeadlineExceeded, google.GatewayTimeout), CallStatus.DEADLINE),
    ((google.ServerError, google.RetryError), CallStatus.UNAVAILABLE),
    ((json_format.ParseError,), CallStatus.NOT_JSON),
    ((GoogleAuthError,), CallStatus.REFUSED),
)
"""The first that fits; what fits none was understood and refused (4xx)."""
