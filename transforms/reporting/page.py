"""The report as one HTML file that needs nothing else: styles and plots are in it, and it may load nothing."""

from datetime import datetime
from pathlib import Path

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from transforms.reporting.charts import agents_chart, equity_chart
from transforms.reporting.figures import Between, ReportFigures
from transforms.reporting.measuring import FEWEST_DAYS_FOR_A_YEAR
from transforms.reporting.verdict import percent

_NONE = "\u2013"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def html_page(figures: ReportFigures) -> str:
    """The page; equal figures give equal text. Whatever agents are called, it is told as text."""
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "percent": _percent,
        "signed": _signed,
        "money": _money,
        "number": _number,
        "between": _between,
        "day": _day,
        "json": _json,
        "tone": _tone,
        "shade": _shade,
    }
    return pages.get_template("page.html").render(
        r=figures,
        months=_MONTHS,
        is_short=figures.days < FEWEST_DAYS_FOR_A_YEAR,
        # Matplotlib has escaped what is text in them.
        equity_chart=Markup(equity_chart(figures.curve)),  # noqa: S704
        agents_chart=Markup(agents_chart(figures.curve)) if figures.curve.profit_by_agent else "",  # noqa: S704
        strip=_strip(figures),
    )


def _percent(share: float | None) -> str:
    return _NONE if share is None else percent(share)


def _signed(share: float | None) -> str:
    return (
        _NONE
        if share is None
        else ("+" if percent(share)[0] != "\u2212" and share > 0 else "") + percent(share)
    )


def _money(amount: float | None) -> str:
    if amount is None:
        return _NONE
    text = f"{abs(amount):,.{0 if abs(amount) >= 100_000 else 2}f}"
    return ("\u2212" if amount < 0 and text.strip("0.,") else "") + text


def _number(value: float | None, digits: int = 2) -> str:
    if value is None:
        return _NONE
    text = f"{abs(value):,.{digits}f}"
    return ("\u2212" if value < 0 and text.strip("0.,") else "") + text


def _between(figure: Between, kind: str = "percent") -> str:
    """The interval, as words."""
    if figure.low is None or figure.high is None:
        return ""
    tell = percent if kind == "percent" else _number
    return f"{tell(figure.low)} to {tell(figure.high)}"


def _day(moment: datetime | None) -> str:
    return _NONE if moment is None else f"{moment:%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def _json(text: str) -> str:
    """JSON text, indented; what is no JSON as it is."""
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return text


def _tone(value: float | None) -> str:
    """The class of a number that is good above zero."""
    return "" if value is None or value == 0 else "won" if value > 0 else "lost"


def _shade(share: float) -> int:
    """How strongly a month is coloured: 0 to 60, all of it at 20 %."""
    return round(min(abs(share) / 0.2, 1.0) * 50 + 10) if share else 0


def _strip(figures: ReportFigures) -> dict[str, float] | None:
    """Where the random desks and our own lie on a line from 0 to 100."""
    entry = figures.random_entry
    if entry is None:
        return None
    low, high = min(entry.low, entry.own, 0.0), max(entry.high, entry.own, 0.0)
    span = (high - low) or 1.0
    named = {"low": entry.low, "median": entry.median, "high": entry.high, "own": entry.own, "zero": 0.0}
    return {name: round(4 + (value - low) / span * 92, 3) for name, value in named.items()}
