"""The coordination job over a recorded log: the same bytes every time, and nothing lost on the way."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from contracts.message import said_by
from contracts.payloads import RiskUpdate
from contracts.roster import read_roster
from contracts.settings import Settings
from pipelines.coordination import JOB
from pipelines.launch import launch
from tests.benchmarks.reference_desk import reference_day
from tests.transforms.test_ordering import BAD

MESSAGES = 600
NAMES = ("dead-letters", "inbox", "rows", "snapshots", "trading")

LINES = [message.to_json() for message in reference_day(1)[:MESSAGES]]
REFUSED = [data for data, _, _ in BAD.values() if data and b"\n" not in data and len(data) < 10_000]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same log twice, the second time backwards and on the other local runner."""
    directory = tmp_path_factory.mktemp("coordination")
    log, backwards = directory / "log.jsonl", directory / "backwards.jsonl"
    log.write_bytes(b"\n".join([*LINES, *REFUSED]))
    backwards.write_bytes(b"\n".join([*REFUSED[::-1], *LINES[::-1]]))
    launch(JOB, ["--input", str(log), "--output", str(directory / "one")])
    other = ["--runner", "BundleBasedDirectRunner"]
    launch(JOB, ["--input", str(backwards), "--output", str(directory / "two"), *other])
    return directory / "one", directory / "two"


def lines(directory: Path, name: str) -> list[dict]:
    return [orjson.loads(line) for line in (directory / f"{name}.jsonl").read_bytes().splitlines()]


def test_a_log_gives_the_same_bytes_on_any_runner_and_in_any_order(runs: tuple[Path, Path]) -> None:
    one, two = runs
    assert sorted(path.name for path in one.iterdir()) == [f"{name}.jsonl" for name in NAMES]
    for name in NAMES:
        assert (one / f"{name}.jsonl").read_bytes() == (two / f"{name}.jsonl").read_bytes(), name


def test_what_went_in_came_out_or_was_refused(runs: tuple[Path, Path]) -> None:
    one, _ = runs
    by_table = Counter(row["table"] for row in lines(one, "rows"))
    assert by_table["messages"] == MESSAGES
    assert by_table["dead_letters"] == len(lines(one, "dead-letters")) == len(REFUSED)
    positions = [row["row"]["position"] for row in lines(one, "rows") if row["table"] == "messages"]
    assert positions == list(range(1, MESSAGES + 1))


def test_every_delivery_is_a_copy_in_the_inbox_and_every_admitted_signal_is_on_trading(
    runs: tuple[Path, Path],
) -> None:
    one, _ = runs
    rows = lines(one, "rows")
    delivered = Counter(
        (row["row"]["message_id"], row["row"]["recipient"])
        for row in rows
        if row["table"] == "deliveries" and row["row"]["delivered"]
    )
    inbox = Counter((copy["message_id"], copy["recipient"]) for copy in lines(one, "inbox"))
    assert inbox == delivered
    assert max(inbox.values()) == 1
    admitted = {
        row["row"]["message_id"]
        for row in rows
        if row["table"] == "messages"
        and row["row"]["verdict"] == "admitted"
        and row["row"]["type"] == "HFT_SIGNAL"
    }
    assert {message["message_id"] for message in lines(one, "trading")} == admitted
    assert {copy["recipient"] for copy in lines(one, "snapshots")} <= {
        row["recipient"] for row in lines(one, "inbox")
    }


def test_a_log_of_nothing_gives_every_file_empty(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(b"")
    launch(JOB, ["--input", str(tmp_path / "log.jsonl"), "--output", str(tmp_path / "out")])
    assert {path.stem: path.read_bytes() for path in (tmp_path / "out").iterdir()} == dict.fromkeys(
        NAMES, b""
    )


def test_the_tuners_controls_are_asked_for_and_fed_back_are_obeyed_and_audited(tmp_path: Path) -> None:
    """A bounded run feeds nothing back: what it asks for is in messages.jsonl, as on a stream it is on the topic."""
    calm = RiskUpdate(
        state="ACTIVE", equity=1, high_water_mark=1, drawdown=0, gross_exposure=0, net_exposure=0, leverage=0,
        volatility=0.02,
    )  # fmt: skip
    wild, noon = calm.model_copy(update={"volatility": 0.05}), datetime(2024, 1, 15, 12, tzinfo=UTC)
    log = [
        said_by("trading", update, desk="main", event_time=noon + timedelta(minutes=5 * number)).to_json()
        for number, update in enumerate((calm, wild))
    ]

    def run(name: str, lines_in: list[bytes]) -> Path:
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join(lines_in))
        out = tmp_path / name
        launch(JOB, ["--input", str(tmp_path / f"{name}.jsonl"), "--output", str(out), "--tuner", "apply"])
        return out

    first = run("first", log)
    asked = lines(first, "messages")
    assert len(asked) == len(read_roster(Settings().roster).agents)
    assert {(said["sender"], said["payload"]["action"]) for said in asked} == {("tuner", "threshold")}
    second = run("second", log + [orjson.dumps(said) for said in asked])
    found = [row["row"] for row in lines(second, "rows") if row["table"] == "controls"]
    assert {row["agent"]: float(row["after"]) for row in found} == {
        said["payload"]["agent"]: said["payload"]["threshold"] for said in asked
    }
    assert {row["issued_by"] for row in found} == {"tuner"}
