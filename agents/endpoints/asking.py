"""Asking: what every way to reach a model has in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from contracts.decisions import CallStatus


class CallFailed(Exception):
    """No prediction was to be had: how the call ended, and why.

    `retry_after` is for how many seconds the endpoint asked to be left alone, 0 when it did not.
    """

    def __init__(self, status: CallStatus, error: str, retry_after: float = 0.0) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Reply:
    """How a call ended: for each instance what was predicted, or why there is nothing; after how many attempts and seconds.

    No attempts is a call that was never made.
    """

    predictions: tuple[object | CallFailed, ...]
    attempts: int = 1
    seconds: float = 0.0

    @classmethod
    def failed(cls, failure: CallFailed, instances: int, attempts: int, seconds: float = 0.0) -> Self:
        """The reply of a call that failed for all of its instances alike."""
        return cls((failure,) * instances, attempts, seconds)


class Call(Protocol):
    """A call that is under way."""

    def reply(self) -> Reply:
        """Wait for its end, which comes after a bounded time from its beginning in any case; to be asked once."""
        ...


class Asker(Protocol):
    """Asks endpoints, by their display names, for predictions."""

    def begin(self, endpoint: str, instances: Sequence[dict[str, Any]]) -> Call:
        """One call for all of the instances; it does not wait, so that several calls can be under way at once."""
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


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that was over as soon as it began."""

    result: Reply

    def reply(self) -> Reply:
        return self.result
