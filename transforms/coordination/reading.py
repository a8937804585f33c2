"""Reading coordination's log: messages, and no state that coordination did not write."""

from base64 import b64decode
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, ValidationError

from contracts.controls import Control, ControlAction, MessageClass
from contracts.coordination.relevance import Facts
from contracts.coordination.standing import Standing
from contracts.message import Message
from contracts.model import Contract, Name, Unit
from contracts.refusals import Reason, Refusal, describe
from contracts.roster import Roster, read_roster
from transforms.coordination.deduplication import DIGEST_BYTES
from transforms.coordination.desk import Coordination
from transforms.coordination.tuner import Tuning
from transforms.intake import MessageIntake
from transforms.log import Raw

_NO_STATE = "this is no state that coordination wrote"


class CoordinationIntake(MessageIntake):
    """Reads messages; `roster` is the path of the roster's file."""

    def __init__(self, roster: str) -> None:
        super().__init__()
        self._path = roster

    def read(self, raw: Raw) -> Message:
        """The message; raises `Refusal`, also for a restore control whose state is none of coordination's."""
        message = super().read(raw)
        said = message.payload
        if (
            isinstance(said, Control)
            and said.action is ControlAction.RESTORE
            and said.core == Coordination.name
        ):
            check_state(said.state or {}, self._roster)
        return message

    @cached_property
    def _roster(self) -> Roster:
        return read_roster(Path(self._path))


def _checked_digests(text: str) -> str:
    if len(b64decode(text, validate=True)) % DIGEST_BYTES:
        raise ValueError("these are no whole digests")
    return text


_Digests = Annotated[str, AfterValidator(_checked_digests)]


class _State(Contract):
    """The form of what `Coordination.dump` writes; what each part means is said where it is made."""

    now: int
    seen: dict[str, tuple[int, _Digests, _Digests]]
    throttle: list[tuple[Name, MessageClass, int, float, int, bool]]
    activity: tuple[int, float, dict[Name, float]]
    participation: tuple[dict[Name, Unit], dict[Name, int]]
    muted: list[Name]
    tuner: tuple[dict[Name, Unit], dict[Name, tuple[Unit, Unit, int]], int, int, float, float, float] | None


def check_state(state: dict[str, Any], roster: Roster) -> None:
    """Raise `Refusal` when `state` is none that coordination wrote: taken up, it would stop the job later."""
    try:
        text = orjson.dumps(state)
        _State.model_validate_json(text, strict=True)
        core = Coordination(roster.desk, roster, Tuning.SUGGEST)
        core.restore(text)
        core.dump()
        standing = Standing.of(roster, state)
        for agent in roster.by_agent:
            for message_class in (MessageClass.SIGNAL, MessageClass.CHATTER):
                standing.prospect(Facts(agent, None, None, None), message_class, None, 0)
    except ValidationError as error:
        raise Refusal(Reason.WRONG_FIELD, f"{_NO_STATE}: {describe(error)}") from None
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        wrong = f"{_NO_STATE}: {type(error).__name__} {error}"
        raise Refusal(Reason.WRONG_FIELD, wrong) from None
