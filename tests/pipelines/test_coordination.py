"""The coordination job over a recorded log: the same bytes every time, and nothing lost on the way."""

from collections import Counter
from pathlib import Path

import orjson
import pytest

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
