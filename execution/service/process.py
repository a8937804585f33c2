"""The execution service as a process: ledger, venue and outbox, wired."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from contracts import topics
from contracts.payloads import OrderStatus
from contracts.settings import Settings
from execution.ledger.ledger import Ledger
from execution.ledger.verification import LedgerDisagrees
from execution.market_follower import Subscriber
from execution.outbox import Outbox, Publisher
from execution.placement import NotReady, Placement
from execution.protection.dead_man import DeadManTimer
from execution.protection.gate import Gate
from execution.protection.guard import Guard
from execution.protection.kill_switch import KillSwitch
from execution.protection.limits import PACKAGED, read_limits
from execution.service.access import Tokens
from execution.service.app import build_app
from execution.service.flow_counts import FlowCounts, FlowReport
from execution.service.live_trading import check_live
from execution.service.protection_routes import ProtectionDesk
from execution.service.readiness import ReadinessChecks
from execution.service.upkeep import Upkeep
from execution.service.venue_choice import VenueName, aster, paper
from execution.venues.paper.options import PaperOptions

_log = structlog.get_logger("execution.service")

_AGAIN_SECONDS = 1.0


def build_service(
    settings: Settings,
    options: PaperOptions,
    publisher: Publisher,
    subscriber: Subscriber,
    *,
    venue_name: VenueName = VenueName.PAPER,
    live: bool = False,
    confirmation: str = "",
) -> FastAPI:
    """The service, wired; what runs beside the API starts and stops with it, in this order.

    start: outbox, venue, reconciliation, upkeep. stop (after the requests that were accepted have been answered):
    upkeep, venue, the outbox once it is empty or its patience ends, a last report, ledger.
    Raises what is wrong with the settings: `LimitsError`, `TokensError`, `LiveRefused`, `AsterSettingsError`, `OldLedger`.
    """
    limits = read_limits(settings.protection or PACKAGED)
    tokens = Tokens.of(settings)
    is_paper = venue_name is VenueName.PAPER
    chosen = paper(settings, options, subscriber) if is_paper else aster(settings, limits)
    venue = chosen.venue
    check_live(venue, live=live, confirmation=confirmation)
    switch = KillSwitch(settings.kill_switch, datetime.now(UTC))
    guard = Guard(Gate(limits), switch, DeadManTimer(float(limits.dead_man)))
    ledger = Ledger.open(settings.ledger_url)
    chosen.resume(ledger)
    outbox = Outbox(ledger, publisher, topics.TRADING.path(settings.project))
    placement = Placement(ledger, venue, settings.desk_clock, guard, committed=outbox.wake)
    upkeep = Upkeep(ledger, placement, venue, guard, settings.desk_clock)
    flow = FlowCounts(lambda client_order_id: _status(ledger, client_order_id))
    report = FlowReport(settings.redis_url, settings.desk, lambda: flow.snapshot() | dict(chosen.counts()))
    stopping = threading.Event()

    def reconcile() -> None:
        while not stopping.is_set():
            try:
                if placement.reconcile():
                    return
            except LedgerDisagrees as error:
                _log.error("ledger_disagrees", error=str(error), consequence="no orders are taken")
                return
            except (NotReady, FileNotFoundError, SQLAlchemyError) as error:
                _log.info("reconciliation_waits", reason=str(error))
            stopping.wait(_AGAIN_SECONDS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        outbox.start()
        _log.info("venue", name=venue.name, trades_real_money=venue.is_live)
        chosen.start()
        report.start()
        threading.Thread(target=reconcile, name="reconciliation", daemon=True).start()
        upkeep.start()
        yield
        stopping.set()
        for part in (upkeep.stop, chosen.stop, outbox.stop, report.stop, ledger.close):
            await run_in_threadpool(part)

    return build_app(
        placement,
        ledger,
        tokens=tokens,
        guard=guard,
        protection=ProtectionDesk(guard, ledger, limits, stopped=upkeep.wake),
        readiness=ReadinessChecks(ledger, venue, placement, settings.desk_clock, outbox.trouble),
        flow=flow,
        lifespan=lifespan,
    )


def _status(ledger: Ledger, client_order_id: str) -> OrderStatus:
    order = ledger.order(client_order_id)
    return OrderStatus.UNKNOWN if order is None else order.status
