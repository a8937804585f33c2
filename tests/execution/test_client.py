import asyncio
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from threading import Thread

import httpx
import pytest
from pydantic import SecretStr

from contracts.bookings import LedgerQuestion, LedgerReport
from contracts.orders import OrderView, PositionView
from contracts.payloads import OrderStatus
from execution.client import OrderClient, OrderClientOptions, OrderRefused, OrderUnanswered
from execution.problem import Problem
from tests.execution.trading_floor import NOON, request

OPTIONS = OrderClientOptions("http://execution", SecretStr("a-token"), deadline_seconds=5.0)
ORDER = OrderView(
    request=request(), status=OrderStatus.SUBMITTED, filled_quantity=0, average_price=None, fees=0, venue="paper",
    venue_order_id=None, reason="", created_at=NOON, updated_at=NOON,
)  # fmt: skip
TAKEN = httpx.Response(201, content=ORDER.to_json())

Outcome = httpx.Response | Exception


@contextmanager
def answering(*outcomes: Outcome) -> Iterator[tuple[OrderClient, list[httpx.Request]]]:
    """A client whose requests meet these outcomes, one after the other."""
    seen: list[httpx.Request] = []
    script = iter(outcomes)

    def answer(sent: httpx.Request) -> httpx.Response:
        seen.append(sent)
        outcome = next(script)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with OrderClient(OPTIONS, httpx.MockTransport(answer)) as client:
        yield client, seen


def test_an_order_is_sent_with_its_token_and_answered() -> None:
    with answering(TAKEN) as (client, seen):
        assert client.submit(request()) == ORDER
    assert seen[0].url == "http://execution/orders"
    assert seen[0].headers["authorization"] == "Bearer a-token"
    assert seen[0].content == request().to_json()


def _failures() -> list[Callable[[], Outcome]]:
    return [
        lambda: httpx.ConnectError("refused"),
        lambda: httpx.RemoteProtocolError("cut"),
        lambda: httpx.ReadTimeout("late"),
        lambda: httpx.Response(503, content=b"<html>away</html>"),
        lambda: httpx.Response(429),
        lambda: httpx.Response(200, content=b"<html>hello</html>"),
    ]


@pytest.mark.parametrize("failure", _failures())
def test_what_may_pass_is_tried_again_with_the_same_body(failure: Callable[[], Outcome]) -> None:
    with answering(failure(), TAKEN) as (client, seen):
        assert client.submit(request()) == ORDER
    assert seen[0].content == seen[1].content


def test_attempts_are_bounded() -> None:
    with (
        answering(*[httpx.ConnectError("refused")] * 5) as (client, seen),
        pytest.raises(OrderUnanswered) as unanswered,
    ):
        client.submit(request())
    assert str(unanswered.value) == "no answer in 5 attempts: ConnectError refused"
    assert len(seen) == 5


def test_a_refusal_is_final_and_carries_the_problem() -> None:
    problem = Problem(title="Conflict", status=409, detail="used for another order")
    with (
        answering(httpx.Response(409, content=problem.model_dump_json())) as (client, _),
        pytest.raises(OrderRefused) as refused,
    ):
        client.submit(request())
    assert refused.value.problem == problem
    with (
        answering(httpx.Response(413, content=b"<html>")) as (client, _),
        pytest.raises(OrderRefused, match="413"),
    ):
        client.submit(request())


def test_the_deadline_binds_whatever_the_server_does() -> None:
    cancelled = []

    async def never(_: httpx.Request) -> httpx.Response:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        raise AssertionError("nobody sets the event")

    options = OrderClientOptions("http://execution", deadline_seconds=0.02)
    unanswered = pytest.raises(OrderUnanswered, match=r"no answer within 0\.02 s")
    with OrderClient(options, httpx.MockTransport(never)) as client, unanswered:
        client.submit(request())
    assert cancelled == [True]


def test_the_options_travel_and_hide_the_token() -> None:
    assert pickle.loads(pickle.dumps(OPTIONS)) == OPTIONS
    assert "a-token" not in repr(OPTIONS)


def test_after_failures_in_a_row_the_circuit_opens_and_one_call_tries_it() -> None:
    now = [0.0]
    sent: list[str] = []
    up = [False]

    def answer(asked: httpx.Request) -> httpx.Response:
        sent.append(asked.content.decode())
        return httpx.Response(201, content=ORDER.to_json()) if up[0] else httpx.Response(503)

    options = OrderClientOptions("http://execution", attempts=1, failures_to_open=2, open_seconds=5.0)
    with OrderClient(options, httpx.MockTransport(answer), ticks=lambda: now[0]) as client:
        for _ in range(2):
            with pytest.raises(OrderUnanswered, match="no answer in 1 attempts"):
                client.submit(request())
        now[0] = 4.9
        with pytest.raises(OrderUnanswered, match=r"not sent: .* in 0\.1 s"):
            client.submit(request())
        assert len(sent) == 2
        now[0] = 5.0
        with pytest.raises(OrderUnanswered, match="no answer in 1 attempts"):
            client.submit(request())
        now[0], up[0] = 10.0, True
        assert client.submit(request()) == ORDER
        assert client.submit(request()) == ORDER
    assert len(sent) == 5


def test_a_refusal_keeps_the_circuit_closed() -> None:
    options = OrderClientOptions("http://execution", failures_to_open=1)
    refuse = httpx.MockTransport(lambda _: httpx.Response(422))
    with OrderClient(options, refuse) as client:
        for _ in range(3):
            with pytest.raises(OrderRefused):
                client.submit(request())


def test_the_client_says_that_the_desk_lives() -> None:
    heard: Queue[tuple[str, str | None]] = Queue()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put((self.path, self.headers["authorization"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        options = OrderClientOptions(
            f"http://127.0.0.1:{server.server_port}", SecretStr("a-token"), heartbeat_seconds=0.01
        )
        with OrderClient(options):
            assert [heard.get(timeout=10) for _ in range(2)] == [("/heartbeat", "Bearer a-token")] * 2
        server.shutdown()


def _ledger(**answers: httpx.Response) -> tuple[LedgerReport, list[httpx.Request]]:
    """What the client makes of a ledger that knows these paths."""
    seen: list[httpx.Request] = []

    def answer(sent: httpx.Request) -> httpx.Response:
        seen.append(sent)
        return answers.get(sent.url.path.strip("/").replace("/", "_"), httpx.Response(404, content=b"{}"))

    with OrderClient(OPTIONS, httpx.MockTransport(answer)) as client:
        return client.ledger(LedgerQuestion(desk="main", orders=("a", "b"), asked_at=NOON)), seen


def test_the_ledger_tells_positions_and_orders() -> None:
    held = PositionView(desk="main", symbol="BTCUSDT", quantity=-2, entry_price=None, realised_pnl=0, fees=0)
    flat = held.model_copy(update={"symbol": "ETHUSDT", "quantity": Decimal(0)})
    positions = httpx.Response(200, content=b"[" + held.to_json() + b"," + flat.to_json() + b"]")
    report, seen = _ledger(positions=positions, orders_a=httpx.Response(200, content=ORDER.to_json()))
    assert report.positions == {"BTCUSDT": Decimal(-2)}
    assert [(order.client_order_id, order.status) for order in report.orders] == [
        ("a", OrderStatus.SUBMITTED),
        ("b", None),
    ]
    assert {str(sent.url) for sent in seen} == {
        "http://execution/orders/a", "http://execution/orders/b", "http://execution/positions?desk=main",
    }  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503), httpx.Response(401), httpx.Response(404), httpx.Response(200, content=b"<html>")],
)
def test_a_ledger_that_does_not_answer_is_a_report_without_positions(answer: httpx.Response) -> None:
    report, _ = _ledger(positions=answer)
    assert report.positions is None
    assert report.reason
