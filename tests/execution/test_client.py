import asyncio
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from pydantic import SecretStr

from contracts.orders import OrderView
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
