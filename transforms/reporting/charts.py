"""The plots, as SVG to be set into the page: text stays text, and every colour is the page's own, light or dark."""

import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from transforms.reporting.figures import Curve

# Matplotlib knows no CSS variables; what it draws in these colours is told to be theirs afterwards.
_COLOURS = {
    "#010101": "var(--ink)",
    "#010102": "var(--faint)",
    "#010103": "var(--line)",
    "#010104": "var(--desk)",
    "#010105": "var(--market)",
    "#010106": "var(--loss)",
    **{f"#0102{place:02x}": f"var(--series-{place})" for place in range(8)},
}
_INK, _FAINT, _LINE, _DESK, _MARKET, _LOSS, *_SERIES = _COLOURS

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": _INK,
    "text.parse_math": False,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _FAINT,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.4,
    "path.simplify_threshold": 0.3,
}
_WIDTH = 9.6


def equity_chart(curve: Curve) -> str:
    """Equity beside buy-and-hold, and below it the drawdown."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": "equity"}):
        figure = Figure(figsize=(_WIDTH, 4.6), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        moments = _moments(curve.micros)
        above.plot(moments, curve.equity, color=_DESK, label="desk", zorder=3)
        if curve.buy_and_hold:
            above.plot(moments, curve.buy_and_hold, color=_MARKET, linewidth=1.0, label="buy and hold")
        above.axhline(curve.equity[0], color=_FAINT, linewidth=0.7, linestyle=(0, (4, 3)))
        _tell_names(above)
        above.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        below.fill_between(
            moments, 0.0, -np.array(curve.drawdown) * 100, color=_LOSS, alpha=0.35, linewidth=0
        )
        below.plot(moments, -np.array(curve.drawdown) * 100, color=_LOSS, linewidth=0.8)
        below.set_ylabel("drawdown, %")
        below.set_ylim(top=0)
        _tell_dates(below)
        return _svg(figure, "equity")


def agents_chart(curve: Curve) -> str:
    """What each agent made after fees, and how much of the capital was at work."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": "agents"}):
        figure = Figure(figsize=(_WIDTH, 4.2), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        moments = _moments(curve.micros)
        for place, (agent, profit) in enumerate(sorted(curve.profit_by_agent.items())):
            # A name that begins with an underscore would be kept out of the legend.
            above.plot(
                moments, profit, color=_SERIES[place % len(_SERIES)], linewidth=1.1, label=agent.lstrip("_")
            )
        above.axhline(0.0, color=_FAINT, linewidth=0.7, linestyle=(0, (4, 3)))
        _tell_names(above)
        above.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        equity = np.maximum(np.array(curve.equity), 1e-9)
        below.plot(
            moments, np.array(curve.gross_exposure) / equity * 100, color=_FAINT, linewidth=0.8, label="gross"
        )
        below.plot(
            moments, np.array(curve.net_exposure) / equity * 100, color=_DESK, linewidth=0.8, label="net"
        )
        _tell_names(below)
        below.set_ylabel("exposure, %")
        _tell_dates(below)
        return _svg(figure, "agents")


def _moments(micros: Sequence[int]) -> list[datetime]:
    return [datetime.fromtimestamp(moment / 1e6, UTC) for moment in micros]


def _tell_names(axes: Axes) -> None:
    """The legend, above the plot: it covers nothing."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2, borderpad=0, handlelength=1.6
    )


def _tell_dates(axes: Axes) -> None:
    locator = AutoDateLocator(maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.margins(x=0.01)


def _svg(figure: Figure, name: str) -> str:
    """The figure as an element of the page: no prologue, no metadata, no id that another figure may have."""
    written = io.StringIO()
    FigureCanvasSVG(figure).print_svg(
        written, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
    )
    text = written.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" class="chart" role="img">', text, count=1
    )
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--sans)", text)
    for drawn, told in _COLOURS.items():
        text = text.replace(drawn, told)
    return text
