"""The report: its figures agree with the run, its bytes repeat, its page needs nothing and trusts nobody."""

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import orjson
import pytest

from contracts.backtest import BacktestResult, Profit
from tests.transforms.reporting.example import run
from transforms.reporting.backtests import account_of
from transforms.reporting.figures import ReportFigures
from transforms.reporting.measuring import report_figures
from transforms.reporting.page import html_page
from transforms.reporting.writing import write_report

HUNDRED_DAYS = run()


@pytest.fixture(scope="module")
def figures() -> ReportFigures:
    return report_figures(account_of(HUNDRED_DAYS), "A hundred days")


def test_figures_are_those_of_the_run(figures: ReportFigures) -> None:
    total = float(HUNDRED_DAYS.final_equity / HUNDRED_DAYS.capital - 1)
    assert figures.performance.total.value == pytest.approx(total, abs=1e-9)
    assert figures.trading.net == pytest.approx(float(HUNDRED_DAYS.profit.net), abs=1e-6)
    for told, own in ((figures.agents, HUNDRED_DAYS.agents), (figures.symbols, HUNDRED_DAYS.symbols)):
        by_name = {getattr(one, "agent", None) or one.symbol: one.profit for one in own}
        for one in told:
            profit = by_name[one.name]
            assert one.net == pytest.approx(float(profit.net), abs=1e-6)
            assert one.fees == pytest.approx(float(profit.fees), abs=1e-6)
            assert (one.fills, one.round_trips) == (profit.fills, profit.round_trips)
            assert one.hit_rate == pytest.approx(profit.wins / profit.round_trips)
    # Without funding the desk's profit over its capital is its return, step by step.
    assert figures.trading.share_of_capital == pytest.approx(total, abs=1e-9)
    assert figures.trading.sharpe is not None and figures.trading.sharpe < 0
    equity = np.array(figures.curve.equity)
    assert figures.trading.deepest_fall == pytest.approx(
        np.max(np.maximum.accumulate(equity) - equity) / 10_000
    )
    assert figures.costs.unexplained == pytest.approx(0.0, abs=1e-5)
    assert (figures.step, figures.returns, figures.days) == ("day", 100, 100.0)


def funded(result: BacktestResult) -> BacktestResult:
    """The run, with 7 received in BTC by one agent and 2.5 paid in ETH by another."""

    def with_funding(profit: Profit, amount: Decimal) -> Profit:
        return profit.model_copy(update={"funding": amount, "net": profit.net + amount})

    received = {"deepseek-v3": Decimal(7), "freqtrade-hft": Decimal("-2.5")}
    received |= {"BTCUSDT": Decimal(7), "ETHUSDT": Decimal("-2.5")}
    total = Decimal("4.5")
    parts = {
        "agents": [(one, one.agent) for one in result.agents],
        "symbols": [(one, one.symbol) for one in result.symbols],
    }
    changed = {
        kind: tuple(
            one.model_copy(update={"profit": with_funding(one.profit, received.get(name, Decimal(0)))})
            for one, name in ones
        )
        for kind, ones in parts.items()
    }
    desk = {
        "final_equity": result.final_equity + total,
        "profit": with_funding(result.profit, total),
        "costs": result.costs.model_copy(update={"funding": -total}),
    }
    return result.model_copy(update=changed | desk)


def test_symbols_add_up_to_the_desk_with_their_funding() -> None:
    figures = report_figures(account_of(funded(run(hours=300))), "Funded")
    assert [(one.name, one.funding) for one in figures.symbols] == [("BTCUSDT", 7.0), ("ETHUSDT", -2.5)]
    assert sum(one.net for one in figures.symbols) == pytest.approx(figures.trading.net, abs=1e-6)
    assert sum(one.net for one in figures.agents) == pytest.approx(figures.trading.net, abs=1e-6)
    assert "not told by symbol" not in html_page(figures)


def test_funding_that_is_not_known_by_symbol_is_said_to_be_unknown() -> None:
    figures = report_figures(replace(account_of(funded(run(hours=300))), funding_by_symbol=None), "Month")
    assert [one.funding for one in figures.symbols] == [None, None]
    assert "Funding is not told by symbol: it is not in the net." in html_page(figures)


def test_intervals_hold_what_they_are_about(figures: ReportFigures) -> None:
    for between in (figures.performance.total, figures.performance.sharpe):
        assert between.low < between.value < between.high
    assert figures.market is not None
    assert figures.market.excess.low < figures.market.excess.value < figures.market.excess.high


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    pages = [write_report(tmp_path / name, [run(hours=300)], "Twice") for name in ("a", "b")]
    for name in ("report.html", "report.json"):
        assert (pages[0].parent / name).read_bytes() == (pages[1].parent / name).read_bytes()


def test_json_is_read_back_as_it_was(figures: ReportFigures) -> None:
    assert ReportFigures.from_json(figures.to_json()) == figures


class Page(HTMLParser):
    """What a page has: every tag, every attribute that could load something, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                self.loads.append(value or "")
            if name == "id":
                self.ids.append(value or "")
            assert not name.startswith("on"), f"{tag} has {name}"

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_needs_nothing_else(figures: ReportFigures) -> None:
    text = html_page(figures)
    page = Page(text)
    assert not [target for target in page.loads if not target.startswith("#")]
    assert not re.search(r"https?:|url\((?!#)|@import", text)
    assert not {"script", "link", "iframe", "img", "object", "base", "form"} & set(page.tags)
    assert "default-src 'none'" in text
    assert len(page.ids) == len(set(page.ids))
    assert {target[1:] for target in page.loads} <= set(page.ids)
    assert len(text) < 500_000


def test_the_page_tells_everything(figures: ReportFigures) -> None:
    words = Page(html_page(figures)).words
    for told in (
        figures.verdict,
        "Against chance",
        "deepseek-v3",
        "ETHUSDT",
        "0.1.0+test",
        "The prices are made up.",
        "fees",
    ):
        assert told in words
    assert "None" not in words and "nan" not in words.split()


HOSTILE = "<script>alert('x')</script>\"&{{ 7*7 }}$\\frac{1}{2}$"


def test_names_are_text_whatever_they_are(figures: ReportFigures) -> None:
    """An agent's, a run's and a parameter's name, also in the plots."""
    trading = figures.agents[0].model_copy(update={"name": HOSTILE})
    hostile = figures.model_copy(
        update={
            "title": HOSTILE,
            "verdict": HOSTILE,
            "notes": (HOSTILE,),
            "agents": (trading,),
            "conduct": (figures.conduct[0].model_copy(update={"agent": HOSTILE, "refused": {HOSTILE: 1}}),),
            "curve": figures.curve.model_copy(
                update={"profit_by_agent": {HOSTILE: figures.curve.equity, "_hidden": figures.curve.equity}}
            ),
            "provenance": figures.provenance.model_copy(
                update={"roster": HOSTILE, "settings": {HOSTILE: HOSTILE}}
            ),
        }
    )
    page = Page(html_page(hostile))
    assert "script" not in page.tags
    assert page.words.count(HOSTILE) == 11
    assert "hidden" in page.words


def test_a_desk_that_did_nothing_has_a_report(tmp_path: Path) -> None:
    idle = run(hours=1)
    assert not idle.fills
    told = orjson.loads(write_report(tmp_path, [idle], "Idle").with_suffix(".json").read_bytes())
    assert told["verdict"].startswith("It did not trade, and ends where it began.")
    assert (told["random_entry"], told["performance"]["sharpe"]["value"]) == (None, None)


def test_a_moment_without_prices_or_marks_has_a_report(tmp_path: Path) -> None:
    empty = run(hours=1).model_copy(
        update={"prices": (), "to_micros": run(hours=1).from_micros, "cost_cases": ()}
    )
    told = orjson.loads(write_report(tmp_path, [empty], "Nothing").with_suffix(".json").read_bytes())
    assert told["market"] is None


def test_a_grid_tells_all_runs_and_deflates_the_best(tmp_path: Path) -> None:
    def runs() -> list[BacktestResult]:
        return [run(hours=24 * 70, name=f"main.lag-{lag}", lag=lag, trials=4) for lag in range(4)]

    told = orjson.loads(write_report(tmp_path, iter(runs()), "Four lags").with_suffix(".json").read_bytes())
    grid = told["grid"]
    assert (grid["trials"], [one["name"] for one in grid["runs"]]) == (
        4,
        [f"main.lag-{lag}" for lag in range(4)],
    )
    best = max(grid["runs"], key=lambda one: one["sharpe"])
    assert grid["chosen"] == told["name"] == best["name"]
    assert grid["deflated_sharpe"] == best["deflated_sharpe"] < best["probability_sharpe_above_zero"]
    assert told["verdict"].startswith(f"The best of 4 runs ({best['name']})")
    assert best["total"] == told["performance"]["total"]["value"]


def test_desks_alike_are_no_trials(tmp_path: Path) -> None:
    runs = [run(hours=24 * 61, name=f"{desk}.base") for desk in ("main", "second")]
    grid = orjson.loads(write_report(tmp_path, runs, "Two desks").with_suffix(".json").read_bytes())["grid"]
    assert (grid["trials"], grid["chosen"]) == (1, "main.base")
    assert grid["deflated_sharpe"] == grid["runs"][0]["probability_sharpe_above_zero"]


def test_no_run_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no run"):
        write_report(tmp_path, [], "Nothing")


@pytest.mark.parametrize(("days", "is_warned"), [(27, True), (28, False)])
def test_figures_by_the_year_of_a_short_period_mean_little(days: int, is_warned: bool) -> None:
    figures = report_figures(account_of(run(hours=24 * days)), "Short")
    note = (
        "The period is 27 days long: what is told by the year (Sharpe and Sortino ratio, volatility) means little "
        "for less than 28 days."
    )
    assert figures.notes == ("The prices are made up.", *([note] if is_warned else []))
    assert ("of so short a period it means little" in html_page(figures)) is is_warned


def test_the_tables_of_sixteen_columns_are_set_closer(figures: ReportFigures) -> None:
    """At 1300 pixels the last of them is seen without scrolling."""
    tables = re.findall(r"<table([^>]*)>\s*<thead><tr>(.*?)</tr>", html_page(figures), re.DOTALL)
    wide = [attributes for attributes, heads in tables if heads.count("<th>") >= 16]
    assert wide == [' class="wide"', ' class="wide"']
