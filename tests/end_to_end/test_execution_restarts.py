"""Orders through HTTP while the execution service is killed and stopped: each is made once, and everyone is told."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from contracts.orders import OrderRequest, OrderView
from contracts.payloads import OrderStatus
from execution.client import OrderClient, OrderUnanswered
from tests.end_to_end.execution_stand import SERVICE, Stand, stand

CLIENTS = 3
ORDERS_A_CLIENT = 30
KILL_AFTER = (10, 35, 60)
"""Answered orders at which the service is killed."""

PATIENCE_SECONDS = 60.0
FINAL = {OrderStatus.FILLED, OrderStatus.REJECTED}

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("orders") / "state") as running:
        yield running


class Asked:
    """What the clients asked for, and what they were answered."""

    def __init__(self) -> None:
        self.answers: dict[str, OrderView] = {}
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self._changed = threading.Condition()

    def place(self, client: OrderClient, wanted: OrderRequest) -> None:
        """Ask with the same request until there is an answer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = client.submit(wanted)
                break
            except OrderUnanswered:
                if time.monotonic() > deadline:
                    raise
        with self._changed:
            self.answers[wanted.client_order_id] = answer
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.answers) >= count, PATIENCE_SECONDS)


def place_all(there: Stand, asked: Asked, name: str, orders: int) -> None:
    with there.client() as client:
        for number in range(orders):
            # A service that has just started has no price yet, and refuses for good what is new.
            assert asked.may_go_on.wait(PATIENCE_SECONDS)
            asked.place(client, there.order(f"{name}-{number}"))


def check(there: Stand, asked: Asked) -> None:
    """Ledger, answers, positions and what was told agree, and every order is there once."""
    there.wait_until_settled()
    orders = there.orders()
    assert set(asked.answers) <= set(orders)
    for client_order_id, answer in asked.answers.items():
        now = orders[client_order_id]
        assert now.status in FINAL
        if answer.status in FINAL:
            assert (answer.status, answer.filled_quantity) == (now.status, now.filled_quantity)
    bought = sum((view.filled_quantity for view in orders.values()), Decimal(0))
    assert [position.quantity for position in there.positions()] == [bought]
    rejected = Counter(view.reason for view in orders.values() if view.status is OrderStatus.REJECTED)
    assert rejected.total() < len(orders) / 2, rejected


def check_told(there: Stand) -> None:
    """Every step of every order was told: the last one is how the ledger has it, none is missing before it."""
    told = there.executions()
    orders = there.orders()
    assert set(told) == set(orders)
    for client_order_id, steps in told.items():
        sequences = [sequence for sequence, _ in steps]
        assert sequences == list(range(1, len(steps) + 1))
        last, view = steps[-1][1], orders[client_order_id]
        assert (last.status, last.filled_quantity) == (view.status, view.filled_quantity)


def test_killed_while_orders_come_in_nothing_is_lost_and_nothing_doubled(there: Stand) -> None:
    asked = Asked()
    with ThreadPoolExecutor(CLIENTS) as pool:
        placing = [
            pool.submit(place_all, there, asked, f"kill-{client}", ORDERS_A_CLIENT)
            for client in range(CLIENTS)
        ]
        for count in KILL_AFTER:
            asked.wait_for(count)
            asked.may_go_on.clear()
            there.processes.kill(SERVICE)
            there.processes.start(SERVICE)
            there.wait_until_ready()
            asked.may_go_on.set()
        for one in placing:
            one.result()
    there.wait_until_ready()
    assert len(there.orders()) == len(asked.answers) == CLIENTS * ORDERS_A_CLIENT
    check(there, asked)


def test_a_stop_finishes_what_was_accepted(there: Stand) -> None:
    """The service is told to end while orders come in: what its ledger took was answered, and it ends well."""
    asked, refused = Asked(), threading.Event()

    def place_until_refused(client_name: str) -> None:
        with there.client() as client:
            for number in range(1_000):
                wanted = there.order(f"{client_name}-{number}")
                try:
                    asked.answers[wanted.client_order_id] = client.submit(wanted)
                except OrderUnanswered:
                    refused.set()
                    return

    before = set(there.orders())
    with ThreadPoolExecutor(CLIENTS) as pool:
        placing = [pool.submit(place_until_refused, f"stop-{client}") for client in range(CLIENTS)]
        while len(asked.answers) < CLIENTS:
            assert not refused.wait(0.01)
        assert there.processes.stop(SERVICE) == 0
        for one in placing:
            one.result()
    there.processes.start(SERVICE)
    there.wait_until_ready()
    assert set(there.orders()) - before == set(asked.answers)
    check(there, asked)
    there.processes.stop(SERVICE)  # with an empty outbox
    there.processes.start(SERVICE)
    check_told(there)
