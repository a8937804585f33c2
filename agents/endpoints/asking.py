"""Asking: what every way to reach a model has in common."""

from dataclasses import dataclass
from typing import Any, Protocol

from contracts.decisions import CallStatus


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint predicted, and at which attempt."""

    prediction: object
    attempts: int = 1


class CallFailed(Exception):
    """No prediction was to be had: how the call ended, why, and after how many attempts.

    `retry_after` is for how many seconds the endpoint asked to be left alone, 0 when it did not.
    """

    def __init__(self, status: CallStatus, error: str, attempts: int = 1, retry_after: float = 0.0) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.attempts = attempts
        self.retry_after = retry_after


class Asker(Protocol):
    """Asks an endpoint, by its display name, for a prediction."""

    def ask(self, endpoint: str, instance: dict[str, Any]) -> Reply:
        """The prediction for one instance; raises `CallFailed`, after a bounded time in any case."""
        ...


class Connection(Protocol):
    """How an asker is made: a small value, hashable and picklable, that travels to the workers."""

    @property
    def deadline_seconds(self) -> float | None:
        """After how long a call ends in any case; None when there is nothing to wait for."""
        ...

    def connect(self) -> Asker:
        """An asker that is ready to be asked, from several threads."""
        ...

    def __hash__(self) -> int: ...
