"""`python -m pipelines.report` on the tables of a desk: its figures are those of the run that the rows are about."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from google.cloud.bigquery import Client

from contracts.backtest import Backtest, BacktestResult, RunSummary
from contracts.tables import TABLES
from contracts.time import to_micros
from infra.bigquery.creation import create
from pipelines import report
from tests.contracts.examples import T0
from transforms.reporting.backtests import account_of
from transforms.reporting.measuring import report_figures

Ask = Callable[..., Any]

FEBRUARY = to_micros(T0.replace(month=2, day=1, hour=0, minute=0, second=0, microsecond=0))


@pytest.fixture(scope="module")
def ask(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Runs the command as a user does; the report's JSON, or the exit code when there is none."""
    address = urlsplit(client._connection.API_BASE_URL)

    def run(*arguments: str) -> Any:
        output = tmp_path_factory.mktemp("report")
        told = ["report", *arguments, "--output", str(output), "--project", client.project]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BIGQUERY_EMULATOR_HOST", f"http://{address.netloc}")
            patch.setattr(sys, "argv", told)
            with pytest.raises(SystemExit) as ended:
                report.main()
        if ended.value.code:
            return ended.value.code
        assert (output / "report.html").read_text().startswith("<!doctype html>")
        return orjson.loads((output / "report.json").read_bytes())

    yield run


@pytest.fixture(scope="module")
def of_january(ask: Ask) -> Any:
    """The report on January, whose summary row is not written."""
    return ask("--month", "2024-01", "--no-summary")


@pytest.fixture(scope="module")
def of_february(ask: Ask) -> Any:
    """The report on February."""
    return ask("--month", "2024-02")


@pytest.fixture(scope="session")
def january(result: BacktestResult) -> BacktestResult:
    """The run as it would have ended with January."""
    last = max(m for m in result.equity.micros if m < FEBRUARY)
    place = result.equity.micros.index(last)
    return result.model_copy(
        update={
            "to_micros": last,
            "seed": 0,
            "final_equity": result.equity.equity[place],
            "fills": tuple(fill for fill in result.fills if fill.micros < FEBRUARY),
            "round_trips": tuple(trip for trip in result.round_trips if trip.closed_micros < FEBRUARY),
        }
    )


def test_a_month_is_the_same_out_of_the_tables_as_out_of_the_run(
    of_january: Any, january: BacktestResult
) -> None:
    told = of_january
    known = orjson.loads(report_figures(account_of(january), "").to_json())
    for part in ("months", "returns", "start", "end", "exposure", "market", "symbols", "trading"):
        assert told[part] == known[part], part
    for part in ("sortino", "volatility", "deepest_drawdown", "deepest_from", "longest_drawdown_days"):
        assert told["performance"][part] == known["performance"][part], part
    assert told["performance"]["total"]["value"] == known["performance"]["total"]["value"]
    assert told["capital"] == 10_000
    assert told["kind"] == "paper"
    assert told["orders"] == {"FILLED": told["trading"]["fills"]}
    assert told["costs"]["unexplained"] == pytest.approx(0.0, abs=1e-5)
    assert told["notes"][0].startswith("Slippage")


def test_slippage_is_against_the_mark_that_was_checked(of_january: Any, january: BacktestResult) -> None:
    """Every fill was a whole unit of price worse than its mark."""
    paid = sum(float(fill.quantity) for fill in january.fills)
    assert of_january["costs"]["slippage"] == pytest.approx(paid)


def test_who_spoke_and_decided_is_counted_once(of_january: Any) -> None:
    (one,) = (one for one in of_january["conduct"] if one["agent"] == "deepseek-v3")
    assert one["role"] == "momentum"
    assert (one["said"], one["throttled"], one["signals"], one["signals_throttled"]) == (10, 4, 10, 4)
    assert (one["heard"], one["not_heard"], one["share_spared"]) == (5, 5, 0.5)
    assert (one["decisions"], one["wishes"], one["refused"]) == ({"BUY": 1, "HOLD": 1}, 2, {"trade_cap": 1})
    assert (one["calls"], one["calls_usd"]) == (2, 0.025)


def test_the_next_month_begins_with_what_the_last_one_ended_with(
    of_february: Any, result: BacktestResult, january: BacktestResult
) -> None:
    told = of_february
    assert told["start"] == "2024-02-01T00:00:00Z"
    assert told["capital"] == pytest.approx(january.final_equity, abs=1e-6)
    assert told["final_equity"] == pytest.approx(float(result.final_equity), abs=1e-6)
    assert told["trading"]["fills"] == len(result.fills) - len(january.fills)
    # What was held is taken over at its worth on 1 February, so the agents' profits are the desk's.
    assert sum(one["net"] for one in told["agents"]) == pytest.approx(
        told["final_equity"] - told["capital"], abs=1e-4
    )
    assert told["costs"]["unexplained"] == pytest.approx(0.0, abs=1e-4)
    assert "not the whole of 2024-02" in told["notes"][0]
    assert [row["months"] for row in told["months"]] == [{"2": told["performance"]["total"]["value"]}]


def test_a_month_written_again_is_one_row(ask: Ask, of_february: Any, client: Client) -> None:
    first, again = of_february, ask("--month", "2024-02")
    assert first == again
    (row,) = client.query_and_wait(
        f"SELECT * FROM `{client.project}.sapphire.desk_months` WHERE month = '2024-02'"
    )
    assert (row["desk"], row["venue"], row["fills"]) == ("main", "paper", first["trading"]["fills"])
    assert row["event_time"].isoformat() == "2024-02-01T00:00:00+00:00"
    assert row["total_return"] == first["performance"]["total"]["value"]
    assert float(row["fees"]) == pytest.approx(first["costs"]["fees"], abs=1e-6)
    assert row["verdict"] == first["verdict"]


def test_without_a_summary_nothing_is_written(of_january: Any, client: Client) -> None:
    assert of_january["name"] == "main.2024-01"
    query = f"SELECT COUNT(*) AS n FROM `{client.project}.sapphire.desk_months` WHERE month = '2024-01'"
    assert next(iter(client.query_and_wait(query)))["n"] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--month", "2024-07"),
            "desk main has no rows in 2024-07: it has them from 2024-01-01 to 2024-02-04 (--month 2024-02)",
        ),
        (
            ("--month", "2024-01", "--desk", "other"),
            "there is no desk other in sapphire-test.sapphire.portfolio: there is main",
        ),
        (
            ("--month", "2024-01", "--dataset", "nowhere"),
            "`sapphire bigquery create` makes tables and columns that are missing",
        ),
        (("--month", "soon"), "'soon' is not a month: write it as 2024-01"),
        ((), "say either --month 2024-01 or --backtest FOLDER"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    ask: Ask, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert ask(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("report: ") and sentence in error
    assert len(error.strip().splitlines()) == 1


def test_a_missing_table_is_named(ask: Ask, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    create(
        client, "half", tables=[table for table in TABLES.values() if table.name != "desk_months"], views=[]
    )
    assert ask("--month", "2024-01", "--dataset", "half") == 2
    assert "half.portfolio is empty: no desk has run yet" in capsys.readouterr().err
    client.delete_table(f"{client.project}.half.portfolio")
    assert ask("--month", "2024-01", "--dataset", "half") == 2
    assert "portfolio was not found" in capsys.readouterr().err


def index_of(run: BacktestResult) -> Backtest:
    """What a backtest of this run alone writes beside it."""
    profit = run.profit
    told = RunSummary(
        run=run.run, desk=run.desk, parameter_set=run.parameter_set, parameters=run.parameters,
        final_equity=run.final_equity, net=profit.net, fees=profit.fees, traded_value=profit.traded_value,
        orders=len(run.orders), fills=profit.fills, round_trips=profit.round_trips,
    )  # fmt: skip
    return Backtest(
        code_version=run.code_version, data=run.data, from_micros=run.from_micros, to_micros=run.to_micros,
        trials=run.trials, seed=run.seed, runs=(told,),
    )  # fmt: skip


def test_the_runs_of_a_backtest_can_be_reported_on_again(
    ask: Ask, result: BacktestResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    kept = tmp_path / "runs" / f"{result.run}.json"
    (tmp_path / "result.json").write_bytes(index_of(result).to_json())
    assert ask("--backtest", str(tmp_path)) == 2
    assert "main.base.json is missing: run the backtest again" in capsys.readouterr().err
    kept.write_text("{}")
    assert ask("--backtest", str(tmp_path)) == 2
    assert "main.base.json is of another version (" in capsys.readouterr().err
    kept.write_bytes(result.to_json())
    told = ask("--backtest", str(tmp_path))
    assert told["final_equity"] == pytest.approx(float(result.final_equity))
    assert told["title"] == "Backtest on made-up.csv"


def test_a_folder_without_a_backtest_is_one_sentence(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask("--backtest", str(tmp_path)) == 2
    assert f"`python -m pipelines.backtest --output {tmp_path}` makes one" in capsys.readouterr().err
