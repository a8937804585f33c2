"""The first sentences: plain words, and no more certainty than there is."""

import pytest

from tests.transforms.reporting.example import run
from transforms.reporting.backtests import account_of
from transforms.reporting.figures import Between, GridFigures, ReportFigures
from transforms.reporting.measuring import report_figures
from transforms.reporting.verdict import percent, verdict

FIGURES = report_figures(account_of(run()), "A hundred days")
NARROW = "\u202f%"


def told(
    total: Between,
    *,
    percentile: float = 0.99,
    excess: float = 0.01,
    trips: int = 100,
    deflated: float | None = None,
) -> str:
    assert FIGURES.market is not None and FIGURES.random_entry is not None
    trials = GridFigures(trials=64, chosen="main.x", deflated_sharpe=deflated, runs=())
    changed: ReportFigures = FIGURES.model_copy(
        update={
            "performance": FIGURES.performance.model_copy(update={"total": total}),
            "market": FIGURES.market.model_copy(update={"excess": Between(value=0.1, low=excess, high=0.2)}),
            "random_entry": FIGURES.random_entry.model_copy(update={"percentile": percentile}),
            "trading": FIGURES.trading.model_copy(update={"round_trips": trips}),
            "grid": None if deflated is None else trials,
        }
    )
    return verdict(changed)


def test_a_loss_says_so_first() -> None:
    said = told(Between(value=-0.032, low=-0.12, high=0.06))
    assert said.startswith(
        f"It lost 3.20{NARROW} after costs. Buying and holding BTCUSDT and ETHUSDT lost 25.3{NARROW}"
    )
    assert said.endswith("includes zero: this is no evidence of skill, nor that it must lose.")


@pytest.mark.parametrize(
    ("capital", "final", "outcome"),
    [
        (10_000.0, 9_999.85, f"It lost 0.0015{NARROW} after costs."),
        (10_000_000.0, 9_999_501.0, f"It lost 0.0050{NARROW} after costs."),
        (10_000.0, 9_999.99985, f"It lost 0.0000015{NARROW} after costs."),
        (10_000.0, 10_000.15, f"It won 0.0015{NARROW} after costs."),
        (10_000.0, 10_000.0, "It neither won nor lost after costs."),
    ],
)
def test_the_smallest_loss_is_one(capital: float, final: float, outcome: str) -> None:
    total = Between(value=final / capital - 1)
    changed = FIGURES.model_copy(
        update={
            "capital": capital,
            "final_equity": final,
            "performance": FIGURES.performance.model_copy(update={"total": total}),
            "market": None,
            "random_entry": None,
        }
    )
    assert verdict(changed).startswith(f"{outcome} With ")


@pytest.mark.parametrize(
    ("final", "outcome"),
    [
        (10_000.0, "It did not trade, and ends where it began."),
        (9_999.85, f"It did not trade; its equity changed by \u22120.0015{NARROW} all the same."),
    ],
)
def test_a_desk_that_did_not_trade_says_so(final: float, outcome: str) -> None:
    performance = FIGURES.performance.model_copy(update={"total": Between(value=final / 10_000 - 1)})
    trading = FIGURES.trading.model_copy(update={"fills": 0})
    changed = {"performance": performance, "trading": trading, "capital": 10_000.0, "final_equity": final}
    assert verdict(FIGURES.model_copy(update=changed | {"market": None, "random_entry": None})) == outcome


def test_a_sure_loss_is_no_bad_luck() -> None:
    assert told(Between(value=-0.3, low=-0.4, high=-0.1)).endswith(
        "lies below zero: it loses, and not by bad luck alone."
    )


WON = Between(value=0.3, low=0.1, high=0.5)


def test_only_what_beats_market_and_chance_is_evidence() -> None:
    assert "this is evidence of skill, in this period and at these costs." in told(WON)


@pytest.mark.parametrize(
    ("doubt", "because"),
    [
        ({"percentile": 0.8}, "entries at random do as well too often"),
        ({"excess": -0.01}, "advantage over buying and holding may be nothing"),
        ({"trips": 12}, "it rests on 12 round trips"),
        ({"deflated": 0.4}, "chosen among 64 trials, and its deflated Sharpe ratio is 0.40"),
    ],
)
def test_a_gain_that_something_else_explains_is_no_evidence(doubt: dict, because: str) -> None:
    said = told(WON, **doubt)
    assert because in said
    assert said.endswith("this is no evidence of skill.")


@pytest.mark.parametrize("missing", ["market", "random_entry"])
def test_what_cannot_be_compared_is_no_evidence(missing: str) -> None:
    performance = FIGURES.performance.model_copy(update={"total": WON})
    said = verdict(FIGURES.model_copy(update={"performance": performance, missing: None}))
    assert said.endswith("cannot be held against the market or chance: this is no evidence of skill.")


def test_a_gain_that_may_be_nothing_is_no_evidence() -> None:
    assert told(Between(value=0.3, low=-0.1, high=0.5)).endswith(
        "includes zero: this is no evidence of skill."
    )


def test_too_little_is_said_to_be_too_little() -> None:
    assert told(Between(value=0.3)).endswith("that is too little to tell skill from luck.")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.00"),
        (-1e-17, "0.00"),
        (-1e-8, "\u22120.0000010"),
        (1.5e-5, "0.0015"),
        (-4.99e-5, "\u22120.0050"),
        (0.0009, "0.0900"),
        (-0.00004, "\u22120.0040"),
        (-0.0321, "\u22123.21"),
        (0.5, "50.0"),
        (12.0, "1,200"),
        (-1.0, "\u2212100.0"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text + NARROW
