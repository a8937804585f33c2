"""The export job on recorded rows: a file for each table, the same bytes every time, nothing lost."""

import orjson
import pytest

from contracts.tables import TABLES
from pipelines.export import JOB
from pipelines.launch import launch
from tests.transforms.export.rows import delivery_row, message_row
from transforms.wire import lines

GOOD = [
    *(message_row(10 * n, number=n) for n in range(1, 20)),
    *(delivery_row(10 * n, "deepseek-v3", n % 2 == 0, n) for n in range(1, 20)),
]
BAD = [
    b'{"table":"gossip","row":{"row_id":"x","event_time":"2024-01-15T10:00:00Z"}}\n',
    b'{"table":"messages","row":{"row_id":"x","event_time":"2024-01-15T10:00:00Z","desk":"main"}}\n',
    b"not a row\n",
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("export")
    recorded = directory / "rows.jsonl"
    recorded.write_bytes(b"".join([*(line for row in GOOD for line in lines(row)), *BAD]))
    for name in ("one", "two"):
        launch(JOB, ["--input", str(recorded), "--output", str(directory / name)])
    return directory / "one", directory / "two"


def test_equal_input_gives_equal_bytes(runs):
    one, two = runs
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted([*(f"{table}.jsonl" for table in TABLES), "dead-letters.jsonl"])
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


def test_what_went_in_came_out_or_was_refused(runs):
    one, _ = runs

    def lines(name):
        return (one / f"{name}.jsonl").read_bytes().splitlines()

    assert len(lines("messages")) == 19
    assert len(lines("deliveries")) == 19
    assert len(lines("dead-letters")) == len(BAD)
    assert sorted(orjson.loads(letter)["reason"] for letter in lines("dead-letters")) == [
        "unknown_table", "unknown_table", "wrong_field",
    ]  # fmt: skip


def test_the_windows_add_up_to_the_rows(runs):
    one, _ = runs
    metrics = [
        orjson.loads(row)["row"] for row in (one / "communication_metrics.jsonl").read_bytes().splitlines()
    ]
    for seconds in (10, 60):
        windows = [metric for metric in metrics if metric["window_seconds"] == seconds]
        assert sum(metric["sent"] for metric in windows) == 19
        assert sum(metric["delivered"] for metric in windows) == 9
        assert sum(metric["suppressed"] for metric in windows) == 10
