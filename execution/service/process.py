"""The execution service as a process: ledger, paper venue, market follower and outbox, wired."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from contracts import topics
from contracts.settings import Settings
from execution.ledger.ledger import Ledger, LedgerDisagrees
from execution.market_follower import MarketFollower, Subscriber
from execution.outbox import Outbox, Publisher
from execution.placement import Placement
from execution.service.app import build_app
from execution.service.flow_counts import FlowCounts, FlowReport
from execution.service.readiness import ReadinessChecks
from execution.venues.paper.paper_venue import PaperOptions, PaperVenue
from execution.venues.paper.prices import Prices

_log = structlog.get_logger("execution.service")


def build_service(
    settings: Settings, options: PaperOptions, publisher: Publisher, subscriber: Subscriber
) -> FastAPI:
    """The service, wired; what runs beside the API starts and stops with it, in this order.

    start: outbox, market follower, reconciliation. stop (after the requests that were accepted have been
    answered): market follower, the outbox once it is empty or its patience ends, a last report, ledger.
    """
    ledger = Ledger.open(settings.ledger_url)
    prices = Prices(options.half_spread, options.quote_life)
    venue = PaperVenue(prices, options)
    outbox = Outbox(ledger, publisher, topics.TRADING.path(settings.project))
    follower = MarketFollower(subscriber, topics.PAPER_VENUE.path(settings.project), prices.take)
    placement = Placement(ledger, venue, settings.desk_clock, committed=outbox.wake)
    flow = FlowCounts()
    report = FlowReport(settings.redis_url, settings.desk, lambda: flow.snapshot() | dict(follower.counts))

    def reconcile() -> None:
        try:
            placement.reconcile()
        except LedgerDisagrees as error:
            _log.error("ledger_disagrees", error=str(error), consequence="no orders are taken")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        outbox.start()
        follower.start()
        report.start()
        threading.Thread(target=reconcile, name="reconciliation", daemon=True).start()
        yield
        await run_in_threadpool(follower.stop)
        await run_in_threadpool(outbox.stop)
        await run_in_threadpool(report.stop)
        ledger.close()

    return build_app(
        placement,
        ledger,
        token=settings.execution_token,
        readiness=ReadinessChecks(ledger, venue, placement, settings.desk_clock, outbox.trouble),
        flow=flow,
        lifespan=lifespan,
    )
