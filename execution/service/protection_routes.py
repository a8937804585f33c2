"""The routes by which people stop and release trading, and by which the desk says that it lives."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from contracts.model import Name, Text
from contracts.time import UtcTime
from execution.ledger.ledger import Ledger, ProtectionEvent
from execution.protection.guard import Guard
from execution.protection.kill_switch import Kill
from execution.protection.limits import ProtectionLimits

_EVENTS_SHOWN = 50


class KillRequest(BaseModel):
    """Who stops trading and why; `flatten` closes every position too."""

    model_config = ConfigDict(extra="forbid")

    issued_by: Name
    reason: Text = Field(min_length=1)
    flatten: bool = False


class ReleaseRequest(BaseModel):
    """Who lets orders through again and why."""

    model_config = ConfigDict(extra="forbid")

    issued_by: Name
    reason: Text = Field(min_length=1)


class Audited(BaseModel):
    """One entry of the audit."""

    action: str
    issued_by: str
    reason: str
    at: UtcTime


class Protection(BaseModel):
    """How the last door stands: whether new risk may be taken, by which limits, and what was denied."""

    stopped: str | None = Field(description="why no new risk is taken; null when it is")
    kill: Kill | None
    heartbeat_age_seconds: float | None = Field(
        description="since the desk's last heartbeat; null before the first"
    )
    limits: dict[str, Any]
    denials: dict[str, int]
    open_orders: int
    audit: list[Audited] = Field(description="the newest first")


class ProtectionDesk:
    """Does what the routes ask: latch first, then audit, then wake who cancels."""

    def __init__(
        self, guard: Guard, ledger: Ledger, limits: ProtectionLimits, stopped: Callable[[], None]
    ) -> None:
        self._guard = guard
        self._ledger = ledger
        self._limits = limits
        self._stopped = stopped

    def kill(self, request: KillRequest) -> Protection:
        """Stop trading now, whatever else fails."""
        now = datetime.now(UTC)
        try:
            self._guard.switch.engage(
                Kill(issued_by=request.issued_by, reason=request.reason, at=now, flatten=request.flatten)
            )
        finally:
            self._stopped()
        action = "kill, flatten" if request.flatten else "kill"
        self._ledger.note_protection(ProtectionEvent(action, request.issued_by, request.reason, now))
        return self.state()

    def release(self, request: ReleaseRequest) -> Protection:
        """Let orders through again, once it is written down who did so."""
        event = ProtectionEvent("release", request.issued_by, request.reason, datetime.now(UTC))
        self._ledger.note_protection(event)
        self._guard.switch.release()
        return self.state()

    def state(self) -> Protection:
        """How the last door stands."""
        denial = self._guard.stopped()
        return Protection(
            stopped=None if denial is None else str(denial),
            kill=self._guard.switch.kill,
            heartbeat_age_seconds=self._guard.silence(),
            limits=self._limits.model_dump(mode="json"),
            denials=dict(self._guard.denials),
            open_orders=len(self._ledger.open_orders()),
            audit=[
                Audited(action=e.action, issued_by=e.issued_by, reason=e.reason, at=e.at)
                for e in self._ledger.protection_events(_EVENTS_SHOWN)
            ],
        )


def protection_routes(
    desk: ProtectionDesk,
    guard: Guard,
    admin: Callable[..., None],
    trader: Callable[..., None],
    problems: dict[int | str, dict[str, Any]],
) -> APIRouter:
    """The routes; `admin` and `trader` check the caller's scope, `problems` are what any route may answer."""
    router = APIRouter(tags=["protection"], responses=problems)

    @router.post("/kill", summary="Stop trading until it is released", dependencies=[Depends(admin)])
    def kill(request: KillRequest) -> Protection:
        return desk.kill(request)

    @router.post("/release", summary="Let orders through again", dependencies=[Depends(admin)])
    def release(request: ReleaseRequest) -> Protection:
        return desk.release(request)

    @router.get("/protection", summary="How the last door stands", dependencies=[Depends(admin)])
    def protection() -> Protection:
        return desk.state()

    @router.post("/heartbeat", status_code=204, summary="The desk lives", dependencies=[Depends(trader)])
    def heartbeat() -> None:
        guard.beat()

    return router
