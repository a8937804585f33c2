"""Reading coordination's log: messages, and no state that coordination did not write."""

from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from contracts.controls import Control, ControlAction, MessageClass
from contracts.coordination.relevance import Facts
from contracts.coordination.standing import Standing
from contracts.message import Message
from contracts.refusals import Reason, Refusal
from contracts.roster import Roster, read_roster
from transforms.coordination.desk import Coordination
from transforms.coordination.tuner import Tuning
from transforms.intake import MessageIntake
from transforms.log import Raw


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


def check_state(state: dict[str, Any], roster: Roster) -> None:
    """Raise `Refusal` when `state` is none that coordination wrote: taken up, it would stop the job later."""
    try:
        core = Coordination(roster.desk, roster, Tuning.SUGGEST)
        core.restore(orjson.dumps(state))
        core.dump()
        standing = Standing.of(roster, state)
        for agent in roster.by_agent:
            for message_class in (MessageClass.SIGNAL, MessageClass.CHATTER):
                standing.prospect(Facts(agent, None, None, None), message_class, None, 0)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        wrong = f"this is no state that coordination wrote: {type(error).__name__} {error}"
        raise Refusal(Reason.WRONG_FIELD, wrong) from None
