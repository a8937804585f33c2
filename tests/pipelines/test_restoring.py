"""What a stream begins with: the last state that was told, or a sentence that says why not."""

from datetime import timedelta

import orjson
import pytest
import redis

from contracts.core_states import Teller, core_state, field_of
from contracts.live_view import LiveView
from contracts.rows.operations import CoreStateRow
from contracts.time import from_micros
from pipelines import restoring
from pipelines.launch_error import LaunchError
from pipelines.options import JobOptions
from pipelines.restoring import opening, openings
from tests.transforms.coordination.desk import START, Talk, message
from transforms.coordination.desk import Coordination
from transforms.intake import MessageIntake
from transforms.log import LogEntry
from transforms.portfolio.desk import Desk
from contracts.risk.limits import Limits

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
    control = MessageIntake().read(found["main"].raw)
    outputs = anew.hear(control)
    assert orjson.loads(anew.core.dump())["throttle"] == orjson.loads(before.core.dump())["throttle"]
    assert anew.verdict(message("ann", 1, message_id="a")) == "duplicate"
    assert {output.port for output in outputs} == {"rows"}
    assert control.message_id == MessageIntake().read(opening(told(before.core.dump())).raw).message_id


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
    control = MessageIntake().read(opening(told(before.dump(), core="trading")).raw)
    anew = Desk("main", roster, Limits())
    anew.apply(LogEntry("main", 8, False, START, control))
    there, here = orjson.loads(before.dump()), orjson.loads(anew.dump())
    assert {name: here[name] for name in ("book", "orders", "capital")} == {
        name: there[name] for name in ("book", "orders", "capital")
    }


def test_a_told_state_is_a_row_of_its_table() -> None:
    row = told(Coordination("main", Talk().core._roster).dump())
    assert CoreStateRow.from_json(row.to_json()) == row
