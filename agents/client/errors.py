"""What can go wrong between an agent and the gateway."""

from collections.abc import Sequence

from agents.gateway.answers import WrongField


class GatewayError(Exception):
    """Any of the below."""


class Refused(GatewayError):
    """The gateway will not do it, however often it is asked; `errors` names the wrong fields."""

    def __init__(self, status: int, detail: str, errors: Sequence[WrongField] = ()) -> None:
        super().__init__(f"refused ({status}): {detail}")
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)


class BackPressure(GatewayError):
    """The gateway has more than it can publish: send it again after `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"the gateway is full: try again in {retry_after:g} s")
        self.retry_after = retry_after


class Unreachable(GatewayError):
    """No answer, or one that says that the gateway cannot work now."""
