"""What a stream begins with: the last state that was told, or a sentence that says why not."""

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
import redis

from contracts.bookings import LedgerQuestion, LedgerReport
from contracts.core_states import Teller, core_state, field_of
from contracts.live_view import LiveView
from contracts.message import Message
from contracts.payloads import DeskState
from contracts.risk.limits import Limits
from contracts.risk.wish import Wish
from contracts.rows.operations import CoreStateRow
from contracts.time import from_micros
from pipelines import restoring
from pipelines.launch_error import LaunchError
from pipelines.options import JobOptions
from pipelines.restoring import opening, openings
from tests.transforms.coordination.desk import START, Talk, message
from tests.transforms.portfolio.desk_log import BTC, ROSTER, Player, desk, mark, order_id, proposal, said
from transforms.coordination.desk import Coordination
from transforms.intake import MessageIntake
from transforms.log import LogEntry, Opening
from transforms.portfolio.desk import Desk
from transforms.portfolio.reading import TradingIntake

NOW = from_micros(START)
STREAM = ["--streaming", "--desk", "main", "--project", "sapphire-test"]


class Server:
    """Redis as far as it is asked here."""

    def __init__(self, rows: dict[str, CoreStateRow] | None) -> None:
        self._rows = rows

    def hgetall(self, key: str) -> dict[bytes, bytes]:
        assert key == LiveView("main").core_states
        if self._rows is None:
            raise redis.ConnectionError("refused")
        return {name.encode(): row.to_json() for name, row in self._rows.items()}

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def live_view(monkeypatch: pytest.MonkeyPatch) -> dict[str, CoreStateRow]:
    rows: dict[str, CoreStateRow] = {}
    monkeypatch.setattr(restoring.redis.Redis, "from_url", lambda url, **how: Server(rows))
    return rows


def told(state: bytes, position: int = 7, seconds: float = 0, core: str = "coordination") -> CoreStateRow:
    return core_state(core, "main", position, START, state, NOW + timedelta(seconds=seconds))


def test_the_newest_state_becomes_the_first_entry(live_view: dict[str, CoreStateRow]) -> None:
    before = Talk()
    before.hear(message("ann", 0, message_id="a"))
    live_view[field_of("coordination", Teller.EXPORT)] = told(b"{}", 3, seconds=-9)
    live_view[field_of("coordination", Teller.JOB)] = told(before.core.dump())
    live_view[field_of("trading", Teller.JOB)] = told(b"{}", 99, seconds=5, core="trading")
    found = openings("coordination", JobOptions(STREAM))
    assert [(desk, one.event_micros, one.position) for desk, one in found.items()] == [("main", START, 7)]
    anew = Talk()
    control = MessageIntake().read(found["main"].raws[0])
    outputs = anew.hear(control)
    assert orjson.loads(anew.core.dump())["throttle"] == orjson.loads(before.core.dump())["throttle"]
    assert anew.verdict(message("ann", 1, message_id="a")) == "duplicate"
    assert {output.port for output in outputs} == {"rows"}
    assert control.message_id == MessageIntake().read(opening(told(before.core.dump())).raws[0]).message_id


def test_where_nothing_was_told_a_job_starts_with_nothing(live_view: dict[str, CoreStateRow]) -> None:
    assert openings("coordination", JobOptions(STREAM)) == {}


def test_nothing_is_restored_where_that_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring.redis.Redis, "from_url", lambda url, **how: Server(None))
    assert openings("coordination", JobOptions([*STREAM, "--restore", "none"])) == {}
    assert openings("coordination", JobOptions([])) == {}


def test_a_job_that_cannot_know_its_state_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring.redis.Redis, "from_url", lambda url, **how: Server(None))
    with pytest.raises(LaunchError, match="--restore none"):
        openings("trading", JobOptions(STREAM))


def test_the_table_is_asked_when_the_live_view_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, str] = {}

    class Client:
        def __init__(self, project: str) -> None:
            asked["project"] = project

        def query_and_wait(self, query: str, job_config: object) -> list[dict]:
            asked["query"] = query
            return [told(b"{}").model_dump()]

    monkeypatch.setattr(restoring.bigquery, "Client", Client)
    found = openings("coordination", JobOptions([*STREAM, "--restore", "table"]))
    assert found["main"].position == 7
    assert asked["project"] == "sapphire-test"
    assert "`sapphire-test.sapphire.core_states`" in asked["query"]


def test_the_trading_desk_takes_its_state_up_the_same_way() -> None:
    roster = Talk().core._roster
    before = Desk("main", roster, Limits())
    mark = message("market", 0, message_id="x")
    before.apply(LogEntry("main", 1, False, START, mark))
    control = MessageIntake().read(opening(told(before.dump(), core="trading")).raws[0])
    anew = Desk("main", roster, Limits())
    anew.apply(LogEntry("main", 8, False, START, control))
    there, here = orjson.loads(before.dump()), orjson.loads(anew.dump())
    assert {name: here[name] for name in ("book", "orders", "capital")} == {
        name: there[name] for name in ("book", "orders", "capital")
    }


def test_a_told_state_is_a_row_of_its_table() -> None:
    row = told(Coordination("main", Talk().core._roster).dump())
    assert CoreStateRow.from_json(row.to_json()) == row


def with_an_order_in_flight() -> Desk:
    player = Player(desk())
    player(mark(0, BTC, "40000"), proposal(1, "d", "alpha", BTC, "BUY"))
    return player.core


class Ledger:
    """An execution service's ledger that answers as it is told, or not at all."""

    def __init__(self, **positions: str) -> None:
        self._positions = {symbol: Decimal(quantity) for symbol, quantity in positions.items()}
        self.asked: list[LedgerQuestion] = []

    def __call__(self, question: LedgerQuestion) -> LedgerReport:
        self.asked.append(question)
        return LedgerReport(positions=self._positions)


def opened(found: Opening) -> tuple[Desk, list[Message]]:
    """A desk that begins with an opening, and what it says."""
    player = Player(desk(), position=found.position)
    messages = [TradingIntake(ROSTER).read(raw) for raw in found.raws]
    outputs = player(*messages)
    return player.core, [m for m in said("RISK_UPDATE", outputs) if "ledger" in str(m.payload)]


def test_the_ledger_is_asked_for_positions_and_for_the_orders_in_flight(
    live_view: dict[str, CoreStateRow],
) -> None:
    live_view[field_of("trading", Teller.JOB)] = told(with_an_order_in_flight().dump(), core="trading")
    ledger = Ledger()
    found = openings("trading", JobOptions(STREAM), ledger)["main"]
    assert [(asked.desk, asked.orders) for asked in ledger.asked] == [("main", (order_id("d"),))]
    core, alerts = opened(found)
    assert alerts == []
    assert orjson.loads(core.dump())["position"] == found.position + 2


def test_a_book_that_differs_from_the_ledger_holds_new_risk_and_says_what_differs(
    live_view: dict[str, CoreStateRow],
) -> None:
    live_view[field_of("trading", Teller.JOB)] = told(with_an_order_in_flight().dump(), core="trading")
    core, (alert,) = opened(openings("trading", JobOptions(STREAM), Ledger(BTCUSDT="-0.3"))["main"])
    assert alert.payload.state is DeskState.HALTED  # type: ignore[attr-defined]
    assert alert.payload.alerts == (  # type: ignore[attr-defined]
        "new risk is held until book and ledger agree, or it is released: "
        "BTCUSDT: 0 in the book, -0.3 in the ledger",
    )
    wish = Wish.of(proposal(3, "e", "alpha", BTC, "BUY"))
    (refusal,) = [verdict for verdict in core.would_refuse(wish) if verdict.check == "reconciled"]
    assert (refusal.reason, refusal.observed) == ("ledger_differs", 1)


def test_a_desk_that_starts_with_nothing_is_compared_too(live_view: dict[str, CoreStateRow]) -> None:
    found = openings("trading", JobOptions([*STREAM, "--restore", "none"]), Ledger(ETHUSDT="2"))["main"]
    assert found.position == 0
    _, (alert,) = opened(found)
    assert "ETHUSDT: 0 in the book, 2 in the ledger" in alert.payload.alerts[0]  # type: ignore[attr-defined]


def test_a_ledger_that_does_not_answer_holds_new_risk(live_view: dict[str, CoreStateRow]) -> None:
    silent = openings("trading", JobOptions(STREAM), lambda _: LedgerReport(positions=None, reason="refused"))
    _, (alert,) = opened(silent["main"])
    assert alert.payload.alerts[0].endswith("the ledger could not be asked: refused")  # type: ignore[attr-defined]


def test_a_bounded_run_asks_no_ledger() -> None:
    assert openings("trading", JobOptions([]), Ledger()) == {}
