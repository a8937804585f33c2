"""The circuit breaker: an endpoint that keeps failing is left alone for a while, and then tried with one call."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Circuit(StrEnum):
    """Closed lets every call through, open none, half-open one that decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class BreakerPolicy:
    """When a circuit opens, and for how long.

    It opens after `failures` calls in a row that failed, for `open_seconds`; each time that its trial fails, for twice as
    long as before, up to `longest_seconds`. A call that hung until its deadline counts as `hung` failures, because the
    answers of its bundle wait for it.
    """

    failures: int = 5
    hung: int = 3
    open_seconds: float = 15.0
    longest_seconds: float = 240.0


class Breaker:
    """One endpoint's circuit; any thread may ask it. `clock` tells seconds that never run back.

    With 2 failures and 15 seconds:

        call      fails   fails   -      -      fails   -      succeeds
        at        0       1       2      15     16      45     46
        circuit   closed  open    open   open   open    open   closed
                                         (the calls at 16 and 46 are its trials)

    Calls may be under way side by side. Each opening begins a new era, and what a call of an earlier era came to says
    nothing about this one: eight calls that fail together open it once, and none of them decides in its trial's place.
    """

    def __init__(self, policy: BreakerPolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._openings = 0
        self._opens_until = 0.0
        self._quiet_until = 0.0
        self._era = 0
        self._circuit = Circuit.CLOSED

    @property
    def circuit(self) -> Circuit:
        """Its state now; an open one whose time is over is half-open."""
        with self._lock:
            if self._circuit is Circuit.OPEN and self._clock() >= self._opens_until:
                return Circuit.HALF_OPEN
            return self._circuit

    @property
    def era(self) -> int:
        """How often it opened; to be read before a call is admitted, and given back with how the call went."""
        with self._lock:
            return self._era

    def leave_alone(self, seconds: float) -> None:
        """The endpoint asked for it: no attempt of any call is to be made before that, admitted or not."""
        with self._lock:
            pause = min(seconds, self._policy.longest_seconds)
            self._quiet_until = max(self._quiet_until, self._clock() + pause)

    def quiet(self) -> float:
        """For how many more seconds the endpoint asked to be left alone."""
        with self._lock:
            return max(self._quiet_until - self._clock(), 0.0)

    def admit(self) -> float:
        """0 when a call may be made; it must then be told how it went. Else how many seconds to wait."""
        with self._lock:
            if self._circuit is Circuit.CLOSED:
                return 0.0
            wait = self._opens_until - self._clock()
            if wait > 0:
                return wait
            # The trial is under way from here on; should nobody ever tell how it went, another may try later.
            self._circuit = Circuit.HALF_OPEN
            self._opens_until = self._clock() + self._policy.open_seconds
            return 0.0

    def succeeded(self, era: int | None = None) -> None:
        """A call that was admitted in `era` (None is this one) was answered."""
        with self._lock:
            if era is not None and era != self._era:
                return
            self._circuit, self._failures, self._openings = Circuit.CLOSED, 0, 0

    def failed(self, retry_after: float = 0.0, era: int | None = None, hung: bool = False) -> None:
        """A call was not; `retry_after` is for how many seconds the endpoint itself asked to be left alone.

        What fails while the circuit is open was admitted before, and changes nothing.
        """
        with self._lock:
            if self._circuit is Circuit.OPEN or (era is not None and era != self._era):
                return
            self._failures += self._policy.hung if hung else 1
            pause = min(retry_after, self._policy.longest_seconds)
            if self._circuit is Circuit.HALF_OPEN or self._failures >= self._policy.failures:
                usual = self._policy.open_seconds * 2.0 ** min(self._openings, 32)
                pause = max(pause, min(usual, self._policy.longest_seconds))
                self._openings += 1
            if pause > 0:
                self._circuit = Circuit.OPEN
                self._era += 1
                self._opens_until = self._clock() + pause
