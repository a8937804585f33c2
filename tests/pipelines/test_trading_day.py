"""A recorded day through the trading job: the same bytes twice, the books to the cent, and restarts that nobody notices.

The recomputation takes nothing of the desk's but its rows: from the log's marks, fills and fundings it makes every amount
anew by average cost with 60 digits, position by position, and holds each row of the day against it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from contracts.bookings import Funding
from contracts.coder import register_contract_coders
from contracts.controls import Control, ControlAction
from contracts.message import Message, said_by
from contracts.payloads import Mark, OrderExecution
from contracts.time import to_micros
from pipelines.launch import launch
from pipelines.trading import JOB
from tests.pipelines.recorded_day import new_desk, recorded_log, roster
from tests.transforms.portfolio.desk_log import same
from transforms.core import Output
from transforms.log import LogEntry
from transforms.portfolio.desk import Desk

register_contract_coders()

CENT = Decimal("0.01")
EVERY = 97
"""A desk starts anew after every so many entries: a prime, so that it meets every kind of moment."""


def run(log: list[Message], folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    path, out = folder / "trading.jsonl", folder / "out"
    path.write_bytes(b"".join(message.to_json() + b"\n" for message in log))
    launch(JOB, [f"--input={path}", f"--output={out}"])
    return {file.name: file.read_bytes() for file in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def log() -> list[Message]:
    return list(recorded_log())


@pytest.fixture(scope="module")
def files(log: list[Message], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return run(log, tmp_path_factory.mktemp("day") / "once")


def table(files: dict[str, bytes], name: str) -> list[dict[str, Any]]:
    lines = (orjson.loads(line) for line in files["rows.jsonl"].splitlines())
    return [line["row"] for line in lines if line["table"] == name]


def test_a_day_gives_the_same_bytes_twice_in_whatever_order_it_arrives(
    log: list[Message], files: dict[str, bytes], tmp_path: Path
) -> None:
    shuffled = list(log)
    Random(7).shuffle(shuffled)
    assert run(shuffled, tmp_path / "twice") == files


def test_a_day_has_all_kinds_of_things_in_it(log: list[Message], files: dict[str, bytes]) -> None:
    assert len(files["orders.jsonl"].splitlines()) > 300
    assert len(table(files, "fundings")) > 20
    assert {row["check"] for row in table(files, "risk_verdicts")} >= {
        "all",
        "per_trade_cap",
        "tradable_size",
    }
    wishes = sum(message.type in ("PROPOSAL", "HFT_SIGNAL") for message in log)
    assert len(table(files, "risk_verdicts")) == wishes
    assert files["dead-letters.jsonl"] == b""


@dataclass
class Held:
    """A position by average cost."""

    quantity: Decimal = Decimal(0)
    average: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)

    def trade(self, quantity: Decimal, price: Decimal, fee: Decimal) -> None:
        self.fees += fee
        if self.quantity * quantity >= 0:
            worth = self.quantity * self.average + quantity * price
            self.quantity += quantity
            self.average = worth / self.quantity
            return
        closed = min(abs(quantity), abs(self.quantity))
        self.realised += closed * (price - self.average) * (1 if self.quantity > 0 else -1)
        flips = abs(quantity) > abs(self.quantity)
        self.quantity += quantity
        self.average = price if flips else self.average


@dataclass
class Account:
    """The desk's account, recomputed."""

    capital: Decimal
    high_water_mark: Decimal = Decimal(0)
    held: dict[tuple[str, str], Held] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def take(self, message: Message) -> None:
        said: Any = message.payload
        if isinstance(said, Mark):
            self.marks[said.symbol] = Decimal(said.price)
        elif isinstance(said, OrderExecution) and said.last_quantity is not None:
            assert said.last_price is not None
            assert said.execution_id not in self.told
            self.told.add(said.execution_id)
            held = self.held.setdefault((said.agent, said.symbol), Held())
            traded = Decimal(said.last_quantity) * said.side.sign
            held.trade(traded, Decimal(said.last_price), Decimal(said.fee))
        elif isinstance(said, Funding):
            held = self.held.setdefault((said.agent, said.symbol), Held())
            held.funding -= Decimal(said.quantity) * Decimal(said.mark_price) * Decimal(said.rate)
        self.high_water_mark = max(self.high_water_mark, self.amounts()["equity"])

    def amounts(self) -> dict[str, Decimal]:
        positions = [(held, self.marks[symbol]) for (_, symbol), held in self.held.items()]
        zero = Decimal(0)
        found = {
            "realised_pnl": sum((held.realised for held, _ in positions), zero),
            "unrealised_pnl": sum((held.quantity * (mark - held.average) for held, mark in positions), zero),
            "fees": sum((held.fees for held, _ in positions), zero),
            "funding": sum((held.funding for held, _ in positions), zero),
            "gross_exposure": sum((abs(held.quantity) * mark for held, mark in positions), zero),
            "net_exposure": sum((held.quantity * mark for held, mark in positions), zero),
        }
        profit = found["realised_pnl"] + found["unrealised_pnl"] - found["fees"] + found["funding"]
        return found | {"equity": self.capital + profit}


def recomputed(log: list[Message]) -> Iterator[tuple[int, Account]]:
    """The account after each entry of the log, with the entry's position."""
    account = Account(Decimal(str(roster().capital)))
    account.high_water_mark = account.capital
    for position, message in enumerate(log, 1):
        with localcontext(prec=60):
            account.take(message)
        yield position, account


def test_every_portfolio_row_of_the_day_is_right_to_the_cent(
    log: list[Message], files: dict[str, bytes]
) -> None:
    rows: dict[int, list[dict]] = {}
    for row in table(files, "portfolio"):
        rows.setdefault(row["position"], []).append(row)
    compared = 0
    for position, account in recomputed(log):
        for row in rows.get(position, []):
            amounts = account.amounts() | {"high_water_mark": account.high_water_mark}
            for name, amount in amounts.items():
                assert abs(Decimal(row[name]) - amount) < CENT / 2, (position, name)
            drawdown = (account.high_water_mark - amounts["equity"]) / account.high_water_mark
            assert abs(Decimal(str(row["drawdown"])) - drawdown) < Decimal("1e-9")
            compared += 1
    assert compared == len(table(files, "portfolio")) > 1_000


def test_every_position_of_the_day_is_right_to_the_cent(log: list[Message], files: dict[str, bytes]) -> None:
    rows = {row["position"]: row for row in table(files, "positions")}
    compared = 0
    for position, account in recomputed(log):
        if (row := rows.get(position)) is None:
            continue
        held = account.held[row["agent"], row["symbol"]]
        assert Decimal(row["quantity"]) == held.quantity
        for name in ("realised_pnl", "fees", "funding"):
            assert abs(Decimal(row[name]) - getattr(held, name.removesuffix("_pnl"))) < CENT / 2, (
                position,
                name,
            )
        if held.quantity:
            assert abs(Decimal(row["entry_price"]) - held.average) < CENT / 2
        compared += 1
    assert compared == len(rows) > 500


# --- starting anew --------------------------------------------------------------------------------------------------


def entry(position: int, message: Message) -> LogEntry:
    return LogEntry("main", position, False, to_micros(message.event_time), message)


def test_a_desk_that_starts_anew_every_so_often_says_the_same(log: list[Message]) -> None:
    whole, anew = new_desk(), new_desk()
    for position, message in enumerate(log, 1):
        if position % EVERY == 0:
            dumped = anew.dump()
            anew = new_desk()
            anew.restore(dumped)
            assert anew.dump() == dumped
        assert same(anew.apply(entry(position, message))) == same(whole.apply(entry(position, message)))
    assert anew.dump() == whole.dump()
    assert same(anew.flush()) == same(whole.flush())


def restored(core: Desk, position: int, moment: Any) -> Desk:
    """A desk that took up another's state by the RESTORE control at the head of its log."""
    control = Control(
        action=ControlAction.RESTORE, issued_by="launcher", core="trading", state=orjson.loads(core.dump())
    )
    anew = new_desk()
    anew.apply(entry(position, said_by("launcher", control, desk="main", event_time=moment)))
    return anew


def told(outputs: list[Output]) -> list[tuple[str, dict]]:
    """Outputs apart from their place in the log, which the control moves on by one."""
    found = [(port, orjson.loads(value.to_json())) for port, value in outputs]
    return [
        (port, {k: v for k, v in value.items() if k not in ("row_id", "position")}) for port, value in found
    ]


def test_a_restore_control_at_midday_changes_nothing_that_follows(log: list[Message]) -> None:
    half = next(position for position, message in enumerate(log) if message.event_time.hour == 12)
    whole = new_desk()
    for position, message in enumerate(log[:half], 1):
        whole.apply(entry(position, message))
    anew = restored(whole, half + 1, log[half - 1].event_time)
    for position, message in enumerate(log[half:], half + 1):
        assert told(anew.apply(entry(position + 1, message))) == told(whole.apply(entry(position, message)))
    left, right = orjson.loads(anew.dump()), orjson.loads(whole.dump())
    assert {**left, "position": 0} == {**right, "position": 0}
