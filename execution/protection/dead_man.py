"""The dead-man timer: the desk says that it lives; when it falls silent, nobody watches what is open. Pure.

Armed by the first heartbeat, so that a service without a desk takes orders by hand. A heartbeat after the silence
lets new orders through again; what was cancelled stays so.
"""


class DeadManTimer:
    """Runs out `seconds` after the last heartbeat; 0 never does. Times are seconds of a clock that only grows."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: float | None = None

    def beat(self, now: float) -> None:
        """The desk lives."""
        self._last = now

    def silence(self, now: float) -> float | None:
        """For how long the desk has been silent; None before its first heartbeat."""
        return None if self._last is None else max(0.0, now - self._last)

    def ran_out(self, now: float) -> bool:
        """Whether the desk has been silent for too long."""
        silence = self.silence(now)
        return bool(self._seconds) and silence is not None and silence >= self._seconds
