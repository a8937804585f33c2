"""What is on its way to the venue."""

from typing import NamedTuple

from execution.matching.working import Working


class Errand(NamedTuple):
    """An order (`working`), or the cancellation of one; `due` is when it arrives, in microseconds."""

    due: int
    number: int
    working: Working | None
    account: str
    client_order_id: str
