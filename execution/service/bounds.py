"""How much a caller may ask: the size of a request's body, and requests a second (GCRA)."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from execution.problem import Problem
from execution.service.flow_counts import FlowCounts
from execution.service.problems import PLACE_ORDER, respond

_FREE = {"/healthz", "/readyz"}
_CALLERS_KEPT = 10_000


class Pace:
    """A rate with a burst, per caller: each request costs 1/`per_second`, and at most `burst` may be owed. Pure."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1 / per_second
        self._tolerance = burst * self._interval
        self._due: dict[bytes, float] = {}

    def wait(self, caller: bytes, now: float) -> float:
        """0 and the request is counted; otherwise the seconds after which it would be."""
        due = max(self._due.get(caller, now), now) + self._interval
        if due - now > self._tolerance + 1e-9:
            return due - now - self._tolerance
        if len(self._due) >= _CALLERS_KEPT and caller not in self._due:
            # Who owes nothing is like a stranger, and need not be remembered.
            self._due = {known: until for known, until in self._due.items() if until > now}
        self._due[caller] = due
        return 0.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one caller may ask."""

    body_bytes: int = 65_536
    per_second: float = 500.0
    burst: int = 1_000


class BoundedRequests:
    """ASGI middleware: 413 for a body that is too long, 429 with Retry-After for a caller who asks too often."""

    def __init__(
        self, app: ASGIApp, bounds: Bounds, flow: FlowCounts, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._bounds = bounds
        self._flow = flow
        self._ticks = ticks
        self._pace = Pace(bounds.per_second, bounds.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is too much, pass on the rest."""
        if scope["type"] != "http" or scope["path"] in _FREE:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        wait = self._pace.wait(_caller(scope, headers), self._ticks())
        if wait:
            problem = Problem(
                title="Too Many Requests",
                status=429,
                detail=f"at most {self._bounds.per_second:g} requests a second: send it again later",
            )
            self._count(scope, self._flow.failed)
            await respond(problem, {"retry-after": str(math.ceil(wait))})(scope, receive, send)
            return
        body = await _body(headers, receive, self._bounds.body_bytes)
        if body is None:
            problem = Problem(
                title="Content Too Large",
                status=413,
                detail=f"a request may have {self._bounds.body_bytes} bytes",
            )
            self._count(scope, self._flow.refused)
            await respond(problem, {"connection": "close"})(scope, receive, send)
            return
        pending = [body]

        async def replay() -> Message:
            if pending:
                return {"type": "http.request", "body": pending.pop(), "more_body": False}
            return await receive()

        await self._app(scope, replay, send)

    def _count(self, scope: Scope, count: Callable[[], None]) -> None:
        if (scope["method"], scope["path"]) == PLACE_ORDER:
            count()


def _caller(scope: Scope, headers: Headers) -> bytes:
    """Who asks: the bearer of a token, or else an address; hashed, so that no token is kept."""
    client = scope.get("client")
    name = headers.get("authorization") or (client[0] if client else "")
    return hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()


async def _body(headers: Headers, receive: Receive, limit: int) -> bytes | None:
    """The whole body; None when it is longer than `limit`, whatever its content-length says."""
    told = headers.get("content-length", "0")
    if told.isdigit() and int(told) > limit:
        return None
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)
