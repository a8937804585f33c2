"""The trading job on a stream, started anew: it goes on with the book that it had, once the ledger agrees."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing import test_stream

from contracts.bookings import LedgerReport
from contracts.coder import register_contract_coders
from contracts.core_states import core_state
from contracts.message import Message
from contracts.risk.limits import Limits
from contracts.time import to_micros
from pipelines.restoring import opening, with_ledger
from tests.transforms.portfolio.desk_log import (
    BTC,
    ROSTER,
    Player,
    desk,
    mark,
    order_id,
    proposal,
    step,
)
from transforms.emission import Emission
from transforms.log import Opening, Raw
from transforms.ordering import ApplyInOrder
from transforms.portfolio.desk import Desk
from transforms.portfolio.reading import TradingIntake

register_contract_coders()

D = Decimal
BEFORE = [
    mark(0, BTC, "42000"),
    proposal(5, "d1", "alpha", BTC, "BUY", 0.7),
    step(7, order_id("d1"), 1, "PARTIALLY_FILLED", "alpha", BTC, "BUY", "0.05", ("0.02", "42010", "0.42")),
]
AFTER = [
    step(8, order_id("d1"), 2, "FILLED", "alpha", BTC, "BUY", "0.05", ("0.03", "42020", "0.63"), "0.02"),
    mark(70, BTC, "42100"),
    proposal(71, "d2", "alpha", BTC, "BUY", 0.5),
]
KEPT: list[Emission] = []


def _keep(emission: Emission) -> None:
    KEPT.append(emission)


def streamed(log: Sequence[Message], begins: Opening) -> list[Emission]:
    """What a stream's job says to a log, from an opening on."""
    KEPT.clear()
    stream = test_stream.TestStream(coder=beam.coders.registry.get_coder(Raw))
    for number, message in enumerate(log):
        stream.advance_watermark_to(number).add_elements([Raw(message.to_json(), {}, 0)])
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with beam.Pipeline(runner="BundleBasedDirectRunner", options=options) as pipeline:
        _ = (
            pipeline
            | stream.advance_watermark_to_infinity()
            | ApplyInOrder(
                "restarted-trading",
                TradingIntake(ROSTER),
                partial(Desk, roster=ROSTER, limits=Limits()),
                streaming=True,
                openings={"main": begins},
            )
            | beam.Map(_keep)
        )
    return sorted(KEPT, key=lambda emission: emission.order)


def stopped() -> tuple[Player, Opening]:
    """A desk that took the first half, and the opening that its state makes when the ledger agrees."""
    player = Player(desk())
    player(*BEFORE)
    moment = BEFORE[-1].event_time
    row = core_state(
        "trading", "main", 3, to_micros(moment), player.core.dump(), datetime(2026, 1, 1, tzinfo=UTC)
    )
    return player, with_ledger("main", opening(row), row, lambda _: LedgerReport(positions={BTC: D("0.02")}))


def content(port: str, value: Any) -> tuple[str, dict]:
    """What is said, apart from its place in the log, which the opening moves on by two."""
    told = orjson.loads(value.to_json())
    return port, {name: part for name, part in told.items() if name not in ("row_id", "position")}


def test_a_stream_that_starts_anew_says_what_it_would_have_said() -> None:
    player, begins = stopped()
    assert (begins.position, len(begins.raws)) == (3, 2)
    emissions = streamed(AFTER, begins)
    says = [content(output.port, output.value) for output in player(*AFTER)]
    questions = [emission for emission in emissions if emission.port == "ledger_questions"]
    assert [content(e.port, e.value) for e in emissions if e.position > 5 and e not in questions] == says
    assert {e.position for e in emissions} == {4, 6, 7, 8}
    assert [question.position for question in questions] == [7]
    assert "orders" in {port for port, _ in says}


def test_its_first_entries_are_the_state_and_the_ledger() -> None:
    _, begins = stopped()
    restore, ledger = (TradingIntake(ROSTER).read(raw) for raw in begins.raws)
    assert (restore.type, restore.sender) == ("CONTROL", "launcher")
    assert (ledger.type, ledger.sender, ledger.payload.at_start) == ("LEDGER", "launcher", True)  # type: ignore[attr-defined]
