"""Kills a service's process at a hundred points, and counts what is left: `python -m tests.execution.kill_campaign`.

Each run is a child that does what the service does (reconcile, place from several threads, publish) and ends itself
by SIGKILL at its n-th crossing of a fault point: before and after each statement, before and after each commit, and
around each call of the venue and of Pub/Sub. n is drawn from a seed. Venue and Pub/Sub are files, which outlive it:

    venue     one line an order that arrived; it knows an order again by its client_order_id
    pubsub    one line a message taken
    answers   one line an answer that a client got

After the last kill a run without one places everything again. Then nothing may be missing and nothing be there twice.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from contracts.message import Message
from contracts.orders import OrderRequest
from contracts.payloads import OrderStatus, Side
from execution.order_life import Fill
from execution.outbox import Outbox
from execution.venues.venue import AlreadyThere, Told, VenueAnswer
from tests.execution.trading_floor import Floor, request

THREADS = 3
NEW = 3
"""Orders that each life asks for besides those of the lives before it."""
AGAIN = 6
POINTS = 220
"""Less than what a life crosses that places its new orders."""


class FaultPoints:
    """Ends the process at the `fatal`-th crossing; 0 never does."""

    def __init__(self, fatal: int) -> None:
        self._fatal = fatal
        self._crossed = 0
        self._lock = threading.Lock()

    def cross(self, *_: object) -> None:
        with self._lock:
            self._crossed += 1
            if self._crossed == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, engine: Engine) -> None:
        for name in ("before_cursor_execute", "after_cursor_execute", "begin", "commit", "rollback"):
            event.listen(engine, name, self.cross)


class FileVenue:
    """Trades half of the orders at once and rejects none; its book is a file of lines written in one call each."""

    name = "file"
    is_live = False
    settle_seconds = 0.0

    def __init__(self, path: Path, points: FaultPoints) -> None:
        self._path = path
        self._points = points
        self._lock = threading.Lock()

    def known(self) -> list[str]:
        return self._path.read_text().split() if self._path.exists() else []

    def place(self, wanted: OrderRequest, quantity: Decimal, moment: datetime) -> VenueAnswer:
        self._points.cross()
        with self._lock:
            if wanted.client_order_id in self.known():
                raise AlreadyThere("-4115")
            append(self._path, wanted.client_order_id)
        self._points.cross()
        return filled(wanted)

    def query_order(self, wanted: OrderRequest) -> VenueAnswer | None:
        self._points.cross()
        return filled(wanted) if wanted.client_order_id in self.known() else None

    def cancel(self, wanted: OrderRequest, moment: datetime) -> VenueAnswer | None:
        return self.query_order(wanted)

    def price(self, symbol: str) -> Decimal | None:
        return Decimal(42_000)

    def listen(self, told: Told) -> None:
        """Nothing is told later."""

    def missing(self) -> str | None:
        return None


class FilePublisher:
    """Pub/Sub as a file."""

    def __init__(self, path: Path, points: FaultPoints) -> None:
        self._path = path
        self._points = points

    def publish(self, topic: str, data: bytes, ordering_key: str = "", **attributes: Any) -> "Future[str]":
        self._points.cross()
        append(self._path, data.decode())
        self._points.cross()
        future: Future[str] = Future()
        future.set_result("1")
        return future

    def resume_publish(self, topic: str, ordering_key: str) -> None:
        """No key is ever paused."""


def append(path: Path, line: str) -> None:
    """One write of a whole line, so that a kill tears none."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def filled(wanted: OrderRequest) -> VenueAnswer:
    """Two trades, which follow from the order alone."""
    part = wanted.quantity / 2
    fills = tuple(Fill(part, Decimal(42_000), Decimal("0.1"), f"t{n}") for n in (1, 2))
    return VenueAnswer(f"f-{wanted.client_order_id}", fills, filled=wanted.quantity)


def wanted_orders(kills: int) -> list[OrderRequest]:
    """Buys and sells of several agents, half of them of 0.002 and half of 0.004 bitcoin."""
    return [
        request(
            f"d-{n}", agent=f"agent-{n % 3}", side=Side.SELL if n % 3 == 0 else Side.BUY,
            quantity=Decimal("0.002") * (1 + n % 2),
        )
        for n in range(AGAIN + NEW * kills)
    ]  # fmt: skip


def run(folder: Path, url: str, fatal: int, orders: list[OrderRequest]) -> None:
    """One life of the service, ended at the `fatal`-th fault point."""
    points = FaultPoints(fatal)
    venue = FileVenue(folder / "venue", points)
    floor = Floor(folder, url=url, other_venue=venue)
    points.watch(floor.ledger._engine)
    outbox = Outbox(floor.ledger, FilePublisher(folder / "pubsub", points), "trading")
    outbox.start()
    assert floor.placement.reconcile()
    random.Random(fatal).shuffle(orders)

    def place(wanted: OrderRequest) -> None:
        order = floor.placement.place(wanted).order
        append(folder / "answers", json.dumps([wanted.client_order_id, str(order.status)]))
        outbox.wake()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(place, orders))
    outbox.stop(30.0)
    floor.ledger.close()


def campaign(folder: Path, url: str, kills: int, seed: int) -> dict[str, int]:
    """Kill, restart and count; each figure but `kills` and `messages_twice` has to be as many as it should."""
    draw = random.Random(seed)
    orders = wanted_orders(kills)
    killed = 0
    while killed < kills:
        fatal = draw.randint(1, POINTS)
        child = os.fork()
        if child == 0:
            try:
                run(folder, url, fatal, orders[killed * NEW : killed * NEW + AGAIN + NEW])
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    run(folder, url, 0, list(orders))
    return counted(folder, url, orders) | {"kills": killed}


def counted(folder: Path, url: str, orders: list[OrderRequest]) -> dict[str, int]:
    """What the venue, the ledger, Pub/Sub and the clients know, compared."""
    floor = Floor(folder, url=url, other_venue=FileVenue(folder / "venue", FaultPoints(0)))
    floor.ledger.verify(from_start=True)
    at_venue = Counter((folder / "venue").read_text().split())
    views = {w.client_order_id: floor.ledger.order(w.client_order_id) for w in orders}
    traded = {name for name, view in views.items() if view and view.filled_quantity == view.request.quantity}
    lines = (folder / "pubsub").read_text().splitlines()
    told: list[Any] = [Message.from_json(line).payload for line in set(lines)]
    steps = Counter((payload.client_order_id, payload.sequence) for payload in told)
    answers = dict(map(json.loads, (folder / "answers").read_text().splitlines()))
    net = sum((w.quantity * w.side.sign for w in orders if w.client_order_id in traded), Decimal(0))
    held = sum((position.quantity for position in floor.ledger.positions()), Decimal(0))
    found = {
        "orders": sum(view is not None and view.status.is_final for view in views.values()),
        "traded": len(traded),
        "lost_at_venue": len(set(at_venue) - traded),
        "made_up": len(traded - set(at_venue)),
        "doubled_at_venue": sum(count > 1 for count in at_venue.values()),
        "answers_not_kept": sum(
            OrderStatus(status).is_final and (views[name] is None or views[name].status != status)  # type: ignore[union-attr]
            for name, status in answers.items()
        ),
        "position_differs": int(net != held),
        "untold": len(floor.ledger.unpublished(10_000)),
        "steps_missing": sum(len([k for k in steps if k[0] == n]) != max((s for i, s in steps if i == n), default=-1)
                             for n in views),
        "steps_contradicting": sum(count > 1 for count in steps.values()),
        "messages_twice": len(lines) - len(set(lines)),
    }  # fmt: skip
    floor.ledger.close()
    return found


if __name__ == "__main__":
    began = time.monotonic()
    result = campaign(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    sys.stdout.write(json.dumps(result | {"seconds": round(time.monotonic() - began)}))
