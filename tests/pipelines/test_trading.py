"""The trading job as it is launched: a recorded log to files, and the stateful step on a stream."""

import runpy
import sys
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import apache_beam as beam
import orjson
import pytest
import yaml
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that, equal_to

from contracts.coder import register_contract_coders
from contracts.message import Message
from contracts.orders import client_order_id
from contracts.risk.limits import Limits
from pipelines.launch import LaunchError, launch
from pipelines.trading import JOB
from tests.transforms.portfolio.desk_log import (
    BTC,
    ETH,
    ROSTER,
    control,
    mark,
    order_id,
    proposal,
    signal,
    step,
)
from transforms.emission import Emission
from transforms.log import Raw
from transforms.ordering import ApplyInOrder
from transforms.portfolio.desk import Desk
from transforms.portfolio.reading import TradingIntake

register_contract_coders()

SIGNAL = signal(30, "s", "beta", BTC, "SELL", "500")


def recorded() -> list[bytes]:
    """Four minutes: two orders, their fills, three refusals by the book, two dead letters."""
    signalled = client_order_id("main", SIGNAL.message_id)
    log: list[Message] = [
        mark(0, BTC, "42000"),
        mark(0, ETH, "2500"),
        proposal(5, "d1", "alpha", BTC, "BUY", 0.7),
        step(6, order_id("d1"), 1, "SUBMITTED", "alpha", BTC, "BUY", "0.05"),
        step(7, order_id("d1"), 2, "FILLED", "alpha", BTC, "BUY", "0.05", ("0.05", "42010", "1.05")),
        SIGNAL,
        step(31, signalled, 1, "SUBMITTED", "beta", BTC, "SELL", "0.011"),
        step(32, signalled, 2, "FILLED", "beta", BTC, "SELL", "0.011", ("0.011", "41990", "0.23")),
        proposal(40, "d2", "nobody", BTC, "BUY"),
        proposal(41, "d3", "alpha", ETH, "BUY", leverage=9),
        mark(60, BTC, "42100"),
        proposal(61, "d4", "alpha", BTC, "HOLD", 0.0),
        mark(120, BTC, "42200").model_copy(update={"sender": "alpha"}),
        control(130, "kill", reason="end of test"),
        proposal(131, "d5", "alpha", BTC, "BUY"),
        mark(180, BTC, "42300"),
    ]
    return [message.to_json() for message in log] + [b"not json"]


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("roster") / "roster.yaml"
    path.write_text(yaml.safe_dump(orjson.loads(ROSTER.to_json())))
    return path


def run(lines: list[bytes], folder: Path, roster: Path) -> dict[str, bytes]:
    folder.mkdir()
    log, out = folder / "log.jsonl", folder / "out"
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    launch(JOB, [f"--input={log}", f"--output={out}", f"--roster={roster}"])
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, roster: Path) -> dict[str, bytes]:
    return run(recorded(), tmp_path_factory.mktemp("run") / "first", roster)


def lines(content: bytes) -> Iterator[dict]:
    yield from (orjson.loads(line) for line in content.splitlines())


def table(files: dict[str, bytes], name: str) -> list[dict]:
    return [line["row"] for line in lines(files["rows.jsonl"]) if line["table"] == name]


def test_a_recorded_log_gives_these_orders(files: dict[str, bytes]) -> None:
    found = [
        (o["client_order_id"], o["agent"], o["symbol"], o["side"], o["quantity"], o["reference_price"])
        for o in lines(files["orders.jsonl"])
    ]
    assert found == [
        (order_id("d1"), "alpha", BTC, "BUY", "0.050", "42000"),
        (client_order_id("main", SIGNAL.message_id), "beta", BTC, "SELL", "0.011", "42000"),
    ]


def test_every_wish_has_its_verdict(files: dict[str, bytes]) -> None:
    assert [(row["agent"], row["check"], row["accepted"]) for row in table(files, "risk_verdicts")] == [
        ("alpha", "all", True),
        ("beta", "all", True),
        ("nobody", "known_agent", False),
        ("alpha", "leverage", False),
        ("alpha", "side", False),
        ("alpha", "kill_switch", False),
    ]


def test_the_book_at_the_end_is_what_the_fills_say(files: dict[str, bytes]) -> None:
    last = table(files, "portfolio")[-1]
    # 0.05 x (42,300 - 42,010) - 1.05, and 0.011 x (41,990 - 42,300) - 0.23
    assert Decimal(last["equity"]) == Decimal("100000") + Decimal("14.5") - Decimal("3.41") - Decimal("1.28")
    assert last["state"] == "HALTED"
    assert [(row["agent"], row["quantity"]) for row in table(files, "positions")] == [
        ("alpha", "0.05"),
        ("beta", "-0.011"),
    ]


def test_what_does_not_belong_is_a_dead_letter(files: dict[str, bytes]) -> None:
    letters = list(lines(files["dead-letters.jsonl"]))
    assert sorted(letter["reason"] for letter in letters) == ["not_json", "wrong_topic"]
    assert len(table(files, "dead_letters")) == 2


def test_the_same_log_gives_the_same_bytes_in_any_order(
    files: dict[str, bytes], tmp_path: Path, roster: Path
) -> None:
    assert run(list(reversed(recorded())), tmp_path / "second", roster) == files
    assert sorted(files) == [
        "dead-letters.jsonl",
        "ledger-questions.jsonl",
        "messages.jsonl",
        "orders.jsonl",
        "positions.jsonl",
        "rows.jsonl",
    ]


def test_a_missing_roster_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").touch()
    with pytest.raises(LaunchError, match=r"there is no roster at .*nowhere\.yaml"):
        launch(
            JOB,
            [
                f"--input={tmp_path / 'log.jsonl'}",
                f"--output={tmp_path}",
                f"--roster={tmp_path / 'nowhere.yaml'}",
            ],
        )


def test_it_runs_as_main(
    files: dict[str, bytes], tmp_path: Path, roster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, out = tmp_path / "log.jsonl", tmp_path / "out"
    log.write_bytes(b"".join(line + b"\n" for line in recorded()))
    monkeypatch.setattr(
        "sys.argv", ["trading", "--input", f"{log}", "--output", f"{out}", "--roster", f"{roster}"]
    )
    monkeypatch.delitem(sys.modules, "pipelines.trading")
    runpy.run_module("pipelines.trading", run_name="__main__", alter_sys=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == files


def told(emission: Emission) -> tuple[int, str, str]:
    """An emission in short: position, port, and what it is."""
    value = emission.value
    return (
        emission.position,
        emission.port,
        value.type if isinstance(value, Message) else type(value).__name__,
    )


def test_on_a_stream_the_book_lives_in_beam_state() -> None:
    """Four bundles, of which the third comes late.

    T0  mark                     the desk opens: allocations, guidance, risk
    T1  alpha wishes             a verdict and an order
    T2  a mark from before T0    nothing: a newer one is known
    T3  the order is filled      execution, position, book; relayed to alpha
    """
    log = [
        mark(0, BTC, "42000"),
        proposal(5, "d1", "alpha", BTC, "BUY", 0.7),
        mark(-60, BTC, "1"),
        step(7, order_id("d1"), 1, "FILLED", "alpha", BTC, "BUY", "0.05", ("0.05", "42010", "1.05")),
    ]
    stream = test_stream.TestStream(coder=beam.coders.registry.get_coder(Raw))
    for number, message in enumerate(log):
        stream.advance_watermark_to(number).add_elements([Raw(message.to_json(), {}, 0)])
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with beam.Pipeline(runner="BundleBasedDirectRunner", options=options) as pipeline:
        emissions = (
            pipeline
            | stream.advance_watermark_to_infinity()
            | ApplyInOrder(
                "trading",
                TradingIntake(ROSTER),
                partial(Desk, roster=ROSTER, limits=Limits()),
                streaming=True,
            )
        )
        expected = [
            (1, "rows", "AllocationRow"),
            (1, "rows", "AllocationRow"),
            (1, "messages", "PORTFOLIO_REBALANCE"),
            (1, "messages", "GUIDANCE"),
            (1, "messages", "GUIDANCE"),
            (1, "messages", "RISK_UPDATE"),
            (1, "rows", "PortfolioRow"),
            (2, "rows", "RiskVerdict"),
            (2, "orders", "OrderRequest"),
            (2, "rows", "OrderRow"),
            (4, "rows", "ExecutionRow"),
            (4, "rows", "PositionRow"),
            (4, "positions", "POSITION"),
            (4, "rows", "PortfolioRow"),
            (4, "messages", "ORDER_EXECUTION"),
        ]
        assert_that(emissions | beam.Map(told), equal_to(expected))
