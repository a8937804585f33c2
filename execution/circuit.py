"""A circuit breaker: after failures in a row nothing is tried for a while, then one call, to see. Pure."""


class Circuit:
    """Opens after `failures` in a row for `seconds`; times are seconds of a clock that only grows.

    closed      5 failures in a row        open for 5 s
    open        5 s later                  one call is let through
                it fails                   open for 5 s again
                it is answered             closed
    """

    def __init__(self, failures: int, seconds: float) -> None:
        self._limit = failures
        self._seconds = seconds
        self._failures = 0
        self._opened = 0.0

    def wait(self, now: float) -> float:
        """0 and a call may be made; otherwise the seconds until one may."""
        if self._failures < self._limit:
            return 0.0
        return max(0.0, self._opened + self._seconds - now)

    def failed(self, now: float) -> None:
        """A call had no answer."""
        self._failures += 1
        self._opened = now

    def answered(self) -> None:
        """A call had an answer, a refusal too."""
        self._failures = 0
