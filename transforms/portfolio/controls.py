"""Controls that are the desk's: kill, release, goal, limits. Each leaves a row that says from what to what."""

from typing import Any

import orjson

from contracts.controls import Control, ControlAction
from contracts.message import Message
from contracts.risk.standing import RiskStanding
from contracts.rows.communication import ControlRow
from transforms.portfolio.heard_messages import HeardMessages
from transforms.portfolio.report import Report
from transforms.portfolio.telling import Telling
from transforms.portfolio.wishes import Wishes


class Controls:
    """Puts what people ask for into force, from its place in the log on."""

    def __init__(
        self, standing: RiskStanding, telling: Telling, wishes: Wishes, heard: HeardMessages
    ) -> None:
        self._standing = standing
        self._telling = telling
        self._wishes = wishes
        self._heard = heard

    def obey(self, report: Report, message: Message, control: Control, micros: int) -> None:
        """Kill, release and limits; the others pass by."""
        if control.action is ControlAction.KILL:
            self._kill(report, message, control, micros)
        elif control.action is ControlAction.RELEASE:
            self._release(report, message, control, micros)
        elif control.action is ControlAction.LIMITS and control.limits is not None:
            self._change_limits(report, message, control, micros)

    def _kill(self, report: Report, message: Message, control: Control, micros: int) -> None:
        before = self._allowed()
        self._standing.risk.kill(micros)
        keep_row(report, message, control, before, self._allowed())
        self._telling.risk(report, f"kill switch pulled {by(control)}")
        if control.flatten:
            self._wishes.flatten(report)

    def _release(self, report: Report, message: Message, control: Control, micros: int) -> None:
        before = self._allowed()
        if not self._standing.risk.release(micros, self._standing.book):
            keep_row(report, message, control, before, before, "older than the last kill: ignored")
            return
        self._standing.reconciliation.release()
        keep_row(report, message, control, before, self._allowed())
        self._telling.risk(report, f"released {by(control)}")

    def _change_limits(self, report: Report, message: Message, control: Control, micros: int) -> None:
        changes = control.limits or {}
        before = self._limits(changes)
        try:
            changed = self._standing.change_limits(changes, micros)
        except ValueError as error:
            keep_row(report, message, control, before, before, f"refused: {error}")
            self._telling.risk(report, f"the limits stay as they are, although asked {by(control)}: {error}")
            return
        if not changed:
            keep_row(report, message, control, before, before, "older than the last change: ignored")
            return
        self._heard.remember(self._standing.limits.now.wish_stale_seconds)
        after = self._limits(changes)
        keep_row(report, message, control, before, after)
        told = ", ".join(f"{name} {before[name]} -> {value}" for name, value in after.items())
        if not self._telling.follow_drawdown(report):
            self._telling.risk(report, f"limits changed {by(control)}: {told}")

    def _allowed(self) -> dict[str, Any]:
        standing = self._standing
        return {
            "state": standing.state,
            "killed": standing.risk.killed,
            "band": standing.risk.band,
            "high_water_mark": str(standing.book.high_water_mark),
            "differences": standing.reconciliation.reason,
        }

    def _limits(self, names: Any) -> dict[str, Any]:
        told = self._standing.limits.now.model_dump(mode="json")
        return {name: told[name] for name in names}


def keep_row(
    report: Report, message: Message, control: Control, before: Any, after: Any, note: str = ""
) -> None:
    """The control's row in the audit; `note` says why it changed nothing."""
    report.row(
        ControlRow,
        message_id=message.message_id,
        action=control.action,
        issued_by=control.issued_by,
        agent=control.agent,
        before=orjson.dumps(before).decode(),
        after=orjson.dumps(after).decode(),
        reason="; ".join(part for part in (control.reason, note) if part),
    )


def by(control: Control) -> str:
    """Who asked, and why."""
    return f"by {control.issued_by}" + (f": {control.reason}" if control.reason else "")
