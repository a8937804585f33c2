"""The first sentences of a report: whether the desk won or lost, against what, and how sure one can be."""

from math import floor, log10

from transforms.reporting.figures import Between, ReportFigures

_NOTHING = 1e-10
"""Equity is told to ten digits: a smaller share is the machine's rounding."""
_SURE = 0.95
_FEWEST_ROUND_TRIPS = 30


def percent(share: float) -> str:
    """A share in per cent, with as many digits as tell something: 12 %, 3.21 %, 0.0040 %, 0.0000015 %; never "-0.00 %"."""
    size = abs(share)
    if size < _NOTHING:
        return "0.00\u202f%"
    digits = (
        0 if size >= 10 else 1 if size >= 0.1 else 2 if size >= 0.001 else max(4, -floor(log10(size)) - 1)
    )
    sign = "\u2212" if share < 0 else ""
    return f"{sign}{size * 100:,.{digits}f}\u202f%"


def verdict(figures: ReportFigures) -> str:
    """In plain words; the last sentence says whether this is evidence of anything."""
    sentences = [_outcome(figures), *_against(figures), _certainty(figures)]
    return " ".join(sentence for sentence in sentences if sentence)


def _outcome(figures: ReportFigures) -> str:
    total = figures.performance.total.value or 0.0
    grid = figures.grid
    who = "It" if grid is None or len(grid.runs) < 2 else f"The best of {len(grid.runs)} runs ({grid.chosen})"
    is_even = figures.final_equity == figures.capital
    if not figures.trading.fills:
        return (
            f"{who} did not trade, and ends where it began."
            if is_even
            else f"{who} did not trade; its equity changed by {percent(total)} all the same."
        )
    if is_even:
        return f"{who} neither won nor lost after costs."
    return f"{who} {'won' if total > 0 else 'lost'} {percent(abs(total))} after costs."


def _against(figures: ReportFigures) -> list[str]:
    told = []
    if figures.market is not None:
        held = figures.market.performance.total.value or 0.0
        did = "made" if held >= 0 else "lost"
        told.append(
            f"Buying and holding {_listed(figures.market.symbols)} {did} {percent(abs(held))} in the same time."
        )
    if figures.random_entry is not None:
        entry = figures.random_entry
        told.append(
            f"Of {entry.draws:,} desks with the same trades at random times it did better than {percent(entry.percentile)}."
        )
    return told


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _certainty(figures: ReportFigures) -> str:
    if not figures.trading.fills:
        return ""
    total = figures.performance.total
    if total.low is None or total.high is None:
        return (
            f"With {figures.returns} returns of a {figures.step} that is too little to tell skill from luck."
        )
    span = f"The 95\u202f% interval of its return ({percent(total.low)} to {percent(total.high)})"
    if total.low <= 0.0 <= total.high:
        return f"{span} includes zero: this is no evidence of skill{_nor_of_its_lack(total)}."
    if total.high < 0.0:
        return f"{span} lies below zero: it loses, and not by bad luck alone."
    doubt = _doubt(figures)
    return (
        f"{span} lies above zero, {doubt}"
        if doubt
        else (
            f"{span} lies above zero, and neither the market's own move nor chance entries explain it: "
            "this is evidence of skill, in this period and at these costs."
        )
    )


def _nor_of_its_lack(total: Between) -> str:
    return ", nor that it must lose" if (total.value or 0.0) < 0 else ""


def _doubt(figures: ReportFigures) -> str:
    """Why a return above zero is no evidence yet; empty when nothing speaks against it."""
    if figures.grid is not None and figures.grid.trials > 1:
        deflated = figures.grid.deflated_sharpe
        if deflated is None or deflated < _SURE:
            told = "not defined" if deflated is None else f"{deflated:.2f}"
            return (
                f"but it was chosen among {figures.grid.trials} trials, and its deflated Sharpe ratio is {told} "
                f"({_SURE} would convince): this is no evidence of skill."
            )
    if figures.market is None or figures.random_entry is None:
        return (
            "but without prices it cannot be held against the market or chance: this is no evidence of skill."
        )
    if figures.random_entry.percentile < _SURE:
        return "but entries at random do as well too often: the market's move explains it, and this is no evidence of skill."
    if (figures.market.excess.low or 0.0) <= 0.0:
        return "but its advantage over buying and holding may be nothing: this is no evidence of skill."
    if figures.trading.round_trips < _FEWEST_ROUND_TRIPS:
        return (
            f"but it rests on {figures.trading.round_trips} round trips, fewer than {_FEWEST_ROUND_TRIPS}: "
            "this is no evidence of skill."
        )
    return ""
