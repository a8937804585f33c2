"""Reading the trading job's log: only what belongs on it, said by those who may say it."""

from contracts.controls import Control, ControlAction
from contracts.message import Message, MessageType
from contracts.refusals import Reason, Refusal
from contracts.risk.limits import Limits
from contracts.roster import Roster
from transforms.intake import MessageIntake
from transforms.log import Address, Raw
from transforms.portfolio.desk import CORE, check_state

SPEAKERS: dict[MessageType, frozenset[str] | None] = {
    MessageType.MARK: frozenset({"market"}),
    MessageType.ORDER_EXECUTION: frozenset({"execution", "trading"}),
    MessageType.FUNDING: frozenset({"execution"}),
    MessageType.LEDGER: frozenset({"launcher", "trading"}),
    MessageType.PROPOSAL: None,
    MessageType.HFT_SIGNAL: None,
    MessageType.STRATEGY_ADJUSTMENT: None,
    MessageType.MARKET_DATA: None,
    MessageType.CONTROL: None,
}
"""What may be on the topic, and who may say it (None is anybody; the checks know the roster).

Adjustments and agents' own prices are signals that may be admitted here; the desk takes neither into its book.
"""


class TradingIntake:
    """Reads the messages of one desk; everything else on the topic is refused."""

    def __init__(self, roster: Roster, limits: Limits | None = None) -> None:
        self._roster = roster
        self._limits = limits or Limits()
        self._messages = MessageIntake()

    def address(self, raw: Raw) -> Address:
        """Its desk's log."""
        return self._messages.address(raw)

    def read(self, raw: Raw) -> Message:
        """The message; raises `Refusal` for another desk's, another topic's, another speaker's, a state that is none."""
        message = self._messages.read(raw)
        if message.desk != self._roster.desk:
            raise Refusal(
                Reason.WRONG_TOPIC,
                f"desk {message.desk} has no book here; this job keeps {self._roster.desk}'s",
            )
        if message.type not in SPEAKERS:
            raise Refusal(Reason.WRONG_TOPIC, f"{message.type} does not belong on the trading topic")
        speakers = SPEAKERS[message.type]
        if speakers is not None and message.sender not in speakers:
            raise Refusal(
                Reason.WRONG_TOPIC,
                f"{message.type} is said by {' or '.join(sorted(speakers))}, not by {message.sender}",
            )
        if isinstance(message.payload, Control):
            self._check_control(message.payload)
        return message

    def _check_control(self, control: Control) -> None:
        if control.action is ControlAction.RESTORE and control.core == CORE:
            try:
                check_state(control.state or {}, self._roster, self._limits)
            except ValueError as error:
                raise Refusal(Reason.WRONG_FIELD, str(error)) from None
