"""What an order costs: in the matching core, as POST /orders by database and load, and how long a ledger takes to start.

The service runs as a process of its own with its real API, placement, ledger and outbox; only Pub/Sub is a sink and
the price is fed once. Load is closed: so many clients, each sending its next order when the last is answered.
"""

import multiprocessing
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn
from pydantic import SecretStr
from sqlalchemy import Table, create_engine, delete, select, update

from contracts.payloads import OrderStatus, Side
from execution.ledger.entry import LedgerEntry
from execution.ledger.records import AGENT_POSITIONS, CHECKPOINTS, POSITIONS
from execution.outbox import Outbox
from execution.service.__main__ import SWITCH_SECONDS
from execution.service.access import Scope, Tokens
from execution.service.app import build_app
from execution.service.bounds import Bounds
from execution.service.flow_counts import FlowCounts
from execution.service.protection_routes import ProtectionDesk
from execution.service.readiness import ReadinessChecks
from tests.benchmarks import matching
from tests.benchmarks.figure import Figure, Figures
from tests.execution.conftest import new_database
from tests.execution.kill_campaign import FaultPoints, FilePublisher
from tests.execution.postgres import NoServer, postgres_server
from tests.execution.trading_floor import Floor, request

ORDERS = 300
CLIENTS = (1, 4, 16)
LEDGER_ORDERS = 1_000_000
BLOCK = 1_000
TOKEN = "benchmark"


def measure() -> Figures:
    """Milliseconds of POST /orders at rising load, and seconds from opening a ledger to taking orders."""
    figures: Figures = matching.measure()
    with tempfile.TemporaryDirectory() as folder:
        sqlite = _latencies(Path(folder), "")
        try:
            with postgres_server() as server:
                postgres = _latencies(Path(folder), new_database(server))
        except NoServer:
            postgres = {}
        for clients, (middle, high) in sqlite.items():
            beside = {"PostgreSQL": postgres[clients]} if clients in postgres else {}
            for name, value, place in (("p50", middle, 0), ("p99", high, 1)):
                figures[f"POST /orders, {clients} clients, {name}"] = Figure(
                    value, "ms", {peer: values[place] for peer, values in beside.items()}
                )
        figures |= _recovery(Path(folder))
    return figures


def _latencies(folder: Path, url: str) -> dict[int, tuple[float, float]]:
    """p50 and p99 in milliseconds, by how many clients send at once."""
    with _service(folder, url) as address:
        _load(address, "warm", 1, 50)
        return {clients: _load(address, f"c{clients}", clients, ORDERS) for clients in CLIENTS}


def _load(address: str, name: str, clients: int, orders: int) -> tuple[float, float]:
    taken: list[float] = []

    def send(client: int) -> None:
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=30) as http:
            for n in range(orders // clients):
                body = request(f"{name}-{client}-{n}").to_json()
                began = time.perf_counter()
                answer = http.post("/orders", content=body)
                taken.append((time.perf_counter() - began) * 1e3)
                if answer.status_code != 201 or answer.json()["status"] != "FILLED":
                    raise AssertionError(f"an order was not filled: {answer.status_code} {answer.text}")

    threads = [threading.Thread(target=send, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(taken) != orders // clients * clients:
        raise AssertionError("a client failed: its orders were not measured")
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


@contextmanager
def _service(folder: Path, url: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    place = folder / ("postgres" if url else "sqlite")
    place.mkdir()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(place, url, port), daemon=True
    )
    process.start()
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{address}/readyz", trust_env=False).is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.join(10)


def _serve(folder: Path, url: str, port: int) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    floor = Floor(folder, url=url)
    outbox = Outbox(floor.ledger, FilePublisher(folder / "pubsub", FaultPoints(0)), "trading")
    floor.placement.settlement._committed = floor.placement._committed = outbox.wake
    outbox.start()
    floor.open()
    app = build_app(
        floor.placement,
        floor.ledger,
        tokens=Tokens({Scope.TRADE: SecretStr(TOKEN)}),
        guard=floor.guard,
        protection=ProtectionDesk(floor.guard, floor.ledger, floor.protection_limits, floor.upkeep.wake),
        readiness=ReadinessChecks(floor.ledger, floor.venue, floor.placement, floor.clock, outbox.trouble),
        flow=FlowCounts(),
        bounds=Bounds(per_second=1e6, burst=1_000_000),
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def _recovery(folder: Path) -> Figures:
    """Seconds until a service that starts on a ledger of many orders takes new ones: all checked, and since the last."""
    place = folder / "recovery"
    place.mkdir()
    floor = Floor(place).open()
    for n in range(BLOCK // 20):
        with floor.ledger.entry() as entry:
            for part in range(20):
                _write_filled(floor, entry, f"{n}-{part}", Side.BUY if part % 2 else Side.SELL)
    database = str(place / "ledger.db")
    floor.ledger.close()
    _copy_block(database)
    seconds = []
    last = floor.clock.moment
    for _ in range(2):
        began = time.perf_counter()
        again = Floor(place)
        again.clock.moment = last
        again.open()
        seconds.append(time.perf_counter() - began)
        again.ledger.close()
    name = f"start on a ledger of {LEDGER_ORDERS:,} orders"
    return {f"{name}, since the last check": Figure(seconds[1], "s", {"every fill checked": seconds[0]})}


def _write_filled(floor: Floor, entry: LedgerEntry, name: str, side: Side) -> None:
    wanted = request(name, side=side)
    floor.clock.moment += timedelta(seconds=5)
    moment = floor.clock.now()
    order = entry.open(wanted, wanted.quantity, "paper", moment)
    entry.move(order, OrderStatus.SUBMITTED, moment)
    for fill in floor.venue.place(wanted, wanted.quantity, moment).fills:
        entry.fill(order, fill, moment)


def _copy_block(database: str) -> None:
    """Write the block's orders, steps and fills again under other ids, by SQL: what is left out is the outbox.

    As much is sold in a block as is bought, so that the positions after many are those after one, and what was earned
    and paid is so many times as much.
    """
    copies = LEDGER_ORDERS // BLOCK - 1
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table, ids in _IDS.items():
            columns = [
                row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "number"
            ]
            chosen = [f"printf('%06d', n) || substr({c}, 7)" if c in ids else c for c in columns]
            connection.execute(
                f"WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {copies}) "
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(chosen)} FROM copy, {table}"
            )
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as held:
        holdings: tuple[Table, ...] = (POSITIONS, AGENT_POSITIONS)
        for held_by in holdings:
            (row,) = held.execute(select(held_by)).all()
            if row.quantity or row.cost:
                raise AssertionError("the block leaves a position open")
            earned = {"realised_pnl": row.realised_pnl * (copies + 1), "fees": row.fees * (copies + 1)}
            held.execute(update(held_by).values(**earned))
        held.execute(delete(CHECKPOINTS))
    engine.dispose()


_IDS = {
    "orders": ("client_order_id",),
    "order_events": ("execution_id", "client_order_id"),
    "fills": ("execution_id", "client_order_id"),
}
