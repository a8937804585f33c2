"""The endpoint client: one call is over at its deadline, whatever the network does; a broken endpoint is left alone."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as DeadlinePassed
from dataclasses import dataclass, field
from typing import Any

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

from agents.endpoints.asking import Call, CallFailed, Ended, Reply
from agents.endpoints.breaker import Breaker, BreakerPolicy
from agents.endpoints.directory import Vertex
from agents.endpoints.own_hosts import Predictions, predictions_at
from agents.endpoints.retry_after import retry_after
from contracts.decisions import CallStatus

_THREADS_PER_ENDPOINT = 8
_TRANSIENT = frozenset({CallStatus.THROTTLED, CallStatus.UNAVAILABLE, CallStatus.UNREACHABLE})


@dataclass(frozen=True)
class VertexConnection:
    """The connection to endpoints on Vertex AI.

    `endpoints` gives the address of each display name (`directory.find_endpoints` finds them). A call
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
        return EndpointClient(self, predictions_at(self.vertex))


@dataclass(slots=True)
class _Tally:
    """How many attempts a call has made, and how long it took: told by its thread, read by who may give it up first."""

    began: float
    seconds: float = 0.0
    attempts: int = 0
    _given_up: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attempt(self) -> bool:
        """Whether one more may be made, which is then counted."""
        with self._lock:
            self.attempts += not self._given_up
            return not self._given_up

    def give_up(self) -> int:
        """How many were made; there will be no more."""
        with self._lock:
            self._given_up = True
            return self.attempts


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one call asks for, and until when (`time.monotonic`)."""

    endpoint: str
    resource: str
    instances: tuple[Value, ...]
    ends: float
    breaker: Breaker
    era: int
    tally: _Tally


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A call on one of its endpoint's threads."""

    asked: _Asked
    deadline_seconds: float
    predictions: Future[tuple[object | CallFailed, ...]]

    def reply(self) -> Reply:
        asked, tally = self.asked, self.asked.tally
        try:
            predictions = self.predictions.result(max(asked.ends - time.monotonic(), 0.0))
        except DeadlinePassed:
            self.predictions.cancel()
            failure = CallFailed(CallStatus.DEADLINE, f"no answer within {self.deadline_seconds:g} s")
            return self._failed(failure, tally.give_up(), self.deadline_seconds)
        except CallFailed as failure:
            return self._failed(failure, tally.attempts, tally.seconds)
        asked.breaker.succeeded(asked.era)
        return Reply(predictions, tally.attempts, tally.seconds)

    def _failed(self, failure: CallFailed, attempts: int, seconds: float) -> Reply:
        hung = failure.status is CallStatus.DEADLINE
        self.asked.breaker.failed(failure.retry_after, self.asked.era, hung)
        return Reply.failed(failure, len(self.asked.instances), attempts, seconds)


@dataclass(eq=False)  # no slots: RunInference shares it by a weak reference
class EndpointClient:
    """Asks endpoints through aiplatform's prediction client, those with hosts of their own beside it.

    Each endpoint has a few threads of its own, on which its calls run side by side, because a socket's timeout starts anew
    with every byte that arrives: a slow endpoint can only use up what is its own. And each has a circuit breaker, whose
    `clock` tells seconds; while it is open, calls fail at once.
    """

    config: VertexConnection
    predictions: Predictions
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _threads: dict[str, ThreadPoolExecutor] = field(default_factory=dict)
    _breakers: dict[str, Breaker] = field(default_factory=dict)

    def breaker(self, endpoint: str) -> Breaker:
        """The endpoint's circuit breaker."""
        return self._breakers.setdefault(endpoint, Breaker(self.config.breaker, self.clock))

    def begin(self, endpoint: str, instances: Sequence[dict[str, Any]]) -> Call:
        """One call for all of the instances; its deadline counts from now on."""
        if endpoint not in self.config.endpoints:
            return _not_made(CallStatus.REFUSED, f"the endpoint {endpoint} was not resolved", instances)
        breaker = self.breaker(endpoint)
        era, wait = breaker.era, breaker.admit()
        if wait > 0:
            told = f"the endpoint {endpoint} kept failing; it is left alone for another {wait:.1f} s"
            return _not_made(CallStatus.CIRCUIT_OPEN, told, instances)
        now, seconds = time.monotonic(), self.config.deadline_seconds
        values = tuple(json_format.ParseDict(instance, Value()) for instance in instances)
        resource = self.config.endpoints[endpoint]
        asked = _Asked(endpoint, resource, values, now + seconds, breaker, era, _Tally(now))
        return _UnderWay(asked, seconds, self._pool(endpoint).submit(self._predicted, asked))

    def _pool(self, endpoint: str) -> ThreadPoolExecutor:
        if endpoint not in self._threads:
            self._threads.setdefault(endpoint, ThreadPoolExecutor(_THREADS_PER_ENDPOINT, endpoint))
        return self._threads[endpoint]

    def _predicted(self, asked: _Asked) -> tuple[object | CallFailed, ...]:
        """On a thread of the endpoint: all attempts, and the time that they took."""
        try:
            return self._together(asked)
        finally:
            asked.tally.seconds = time.monotonic() - asked.tally.began

    def _together(self, asked: _Asked) -> tuple[object | CallFailed, ...]:
        """All instances in one call; when the endpoint refuses that, each alone, so that a bad one costs itself only."""
        try:
            return self._attempts(asked, asked.instances)
        except CallFailed as failure:
            if failure.status is not CallStatus.REFUSED or len(asked.instances) == 1:
                raise
        alone = tuple(self._alone(asked, instance) for instance in asked.instances)
        if all(isinstance(prediction, CallFailed) for prediction in alone):
            raise next(failed for failed in alone if isinstance(failed, CallFailed))
        return alone

    def _alone(self, asked: _Asked, instance: Value) -> object | CallFailed:
        try:
            return self._attempts(asked, (instance,))[0]
        except CallFailed as failure:
            return failure

    def _attempts(self, asked: _Asked, instances: tuple[Value, ...]) -> tuple[object, ...]:
        jittered = wait_random_exponential(self.config.wait_seconds, max=self.config.deadline_seconds)

        def wait(state: RetryCallState) -> float:
            return max(jittered(state), _asked_for(state), asked.breaker.quiet())

        self._wait_while_asked_to(asked)
        retrying = Retrying(
            stop=stop_after_attempt(self.config.attempts) | stop_before_delay(asked.ends - time.monotonic()),
            wait=wait,
            sleep=self.sleep,
            retry=retry_if_exception(_is_transient),
            reraise=True,
        )
        return retrying(self._attempt, asked, instances)

    def _wait_while_asked_to(self, asked: _Asked) -> None:
        """What the endpoint asked of another call (Retry-After) holds for this one too."""
        pause = asked.breaker.quiet()
        if pause <= 0:
            return
        if time.monotonic() + pause >= asked.ends:
            told = f"the endpoint {asked.endpoint} asked to be left alone for another {pause:.1f} s"
            raise CallFailed(CallStatus.THROTTLED, told, pause)
        self.sleep(pause)

    def _attempt(self, asked: _Asked, instances: tuple[Value, ...]) -> tuple[object, ...]:
        remaining = asked.ends - time.monotonic()
        if remaining <= 0 or not asked.tally.attempt():
            raise CallFailed(CallStatus.DEADLINE, "no time was left for another attempt")
        try:
            response = self.predictions.predict(
                endpoint=asked.resource, instances=list(instances), retry=None, timeout=remaining
            )
        except (
            google.GoogleAPIError,
            GoogleAuthError,
            requests.RequestException,
            json_format.ParseError,
        ) as error:
            failure = _failure(error)
            if failure.retry_after > 0:
                asked.breaker.leave_alone(failure.retry_after)
            raise failure from None
        content = json_format.MessageToDict(type(response).pb(response))
        predicted = content.get("predictions") or []
        if len(predicted) != len(instances):
            told = f"{len(predicted)} predictions for {len(instances)} instances"
            raise CallFailed(CallStatus.NOT_JSON, f"{told}: {json.dumps(content)[:200]}")
        return tuple(predicted)


def _not_made(status: CallStatus, error: str, instances: Sequence[dict[str, Any]]) -> Ended:
    return Ended(Reply.failed(CallFailed(status, error), len(instances), 0))


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
