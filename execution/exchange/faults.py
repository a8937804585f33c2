"""Faults on request: what a venue's answers may be when it is not well. Met in the order in which they were asked for.

| fault | the request | the caller sees |
| --- | --- | --- |
| LOST_503 | is done | 503 -1000 |
| LOST_TIMEOUT | is done | 408 -1007 |
| LOST_CUT | is done | a cut connection |
| LOST_HTML | is done | 200 and a page of HTML |
| NEVER_503, NEVER_CUT, NEVER_HTML, BUSY | is not done | 503, a cut connection, 500 with HTML, 429 |
| SLOW | is done | the answer, once `Faults.release` is called |
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """One fault: whether the request is done, the status (0: the connection is cut) and the body that is seen."""

    LOST_503 = (True, 503, '{"code":-1000,"msg":"An unknown error occurred while processing the request."}')
    LOST_TIMEOUT = (True, 408, '{"code":-1007,"msg":"Timeout waiting for response from backend server."}')
    LOST_CUT = (True, 0, "")
    LOST_HTML = (True, 200, "<html><body>maintenance</body></html>")
    NEVER_503 = (False, 503, '{"code":-1000,"msg":"Service unavailable."}')
    NEVER_CUT = (False, 0, "cut")
    NEVER_HTML = (False, 500, "<html><body>500</body></html>")
    BUSY = (False, 429, '{"code":-1003,"msg":"Too many requests."}')
    SLOW = (True, 200, "")

    @property
    def is_done(self) -> bool:
        """Whether the request is carried out."""
        return self.value[0]

    @property
    def status(self) -> int:
        """What is answered; 0 is a cut connection."""
        return self.value[1]

    @property
    def body(self) -> str:
        """What is answered."""
        return self.value[2]


@dataclass
class Faults:
    """The faults that wait, by method and path such as `POST /fapi/v3/order`; belongs to the server's loop."""

    _waiting: dict[str, deque[Fault]] = field(default_factory=dict)
    _held: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, endpoint: str, *faults: Fault) -> None:
        """The next requests to the endpoint meet these, one each."""
        self._waiting.setdefault(endpoint, deque()).extend(faults)

    def next(self, endpoint: str) -> Fault | None:
        """What this request meets."""
        waiting = self._waiting.get(endpoint)
        return waiting.popleft() if waiting else None

    def clear(self) -> None:
        """Whatever waits is met by nobody."""
        self._waiting.clear()

    async def held(self) -> None:
        """Wait for the release of what is slow."""
        await self._held.wait()

    def release(self) -> None:
        """Answer what is held, and hold no more."""
        self._held.set()
