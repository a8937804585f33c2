"""A forecast, asked of a time-series model: history in, quantiles out."""

import hashlib
import json
import math
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.kinds.kind import Received
from agents.kinds.strictly import bad, read_strictly
from agents.prompts.prompt import market_view
from agents.rules.rule import hold
from agents.rules.series import volatility
from contracts.decisions import DecisionRequest, Opinion
from contracts.model import Contract
from contracts.payloads import Side
from contracts.refusals import describe
from contracts.roster import AgentProfile

FORMAT = "forecast.1"
BARS_AHEAD = 15
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
DEVIATIONS = 3.29
"""From the 5 % to the 95 % quantile of a normal distribution, in standard deviations."""
ROUND_TRIP = 0.0012
"""What opening and closing costs as a share of the price: a taker's fee and half a spread, twice."""
WIDER, NARROWER = 1.25, 0.8
"""The forecast's deviation over that of the closes from which on it is worth telling the peers."""
CLEAR = 0.25
"""The median move, in standard deviations of the forecast, from which on it is a direction."""

_Positive = Annotated[float, Field(gt=0)]


class Forecast(Contract):
    """The answer: for each bar ahead, the quantiles of the price at `LEVELS`."""

    quantiles: tuple[tuple[_Positive, ...], ...]


class _Prediction(BaseModel):
    model_config = ConfigDict(extra="ignore")

    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$")]
    quantiles: list[Any]


class AskForecast:
    """The instance holds the last closes; what comes back are quantiles of the price for 15 bars ahead.

    The decision looks at the last bar ahead, q5 to q95, and the price p:

    * s = (q95 - q5) / 3.29 / p, the forecast's standard deviation; move = q50 / p - 1, its median.
    * |move| > 0.12 % (a round trip's cost) and |move| >= s / 4: trade in its direction, else HOLD; HOLD too when held.
    * confidence is the forecast's own probability of that direction, read between the quantiles; size min(1, |move| / s);
      the stop is the quantile at 5 % on the losing side, the target the one at 25 % on the winning side, each only where
      it lies on its side of the price.
    * A forecast 1.25 times as wide as the closes wandered, or 0.8 times, is an insight, whatever the decision.
    """

    @property
    def prompt_id(self) -> str:
        asked = f"{FORMAT}|{BARS_AHEAD}|{LEVELS}"
        return f"{FORMAT}-{hashlib.blake2b(asked.encode(), digest_size=4).hexdigest()}"

    def instance(self, profile: AgentProfile, request: DecisionRequest) -> dict[str, Any]:
        return {
            "@requestFormat": "forecast",
            "item_id": request.symbol,
            "end": request.event_time.isoformat(),
            "bar_seconds": request.bar_seconds,
            "target": list(request.closes),
            "prediction_length": BARS_AHEAD,
            "quantile_levels": list(LEVELS),
        }

    def receive(self, prediction: object) -> Received:
        try:
            read = _Prediction.model_validate(prediction)
        except ValidationError as error:
            raise bad(f"not a forecast: {describe(error)}") from None
        return Received(read.model, json.dumps({"quantiles": read.quantiles}), 0, 0)

    def opinion(self, text: str, request: DecisionRequest) -> Opinion:
        forecast = read_strictly(text, Forecast)
        if [len(row) for row in forecast.quantiles] != [len(LEVELS)] * BARS_AHEAD:
            raise bad(f"a forecast has {BARS_AHEAD} rows of {len(LEVELS)} quantiles")
        if any(after < before for row in forecast.quantiles for before, after in pairwise(row)):
            raise bad("quantiles that fall from one level to the next")
        return _decided(forecast.quantiles[-1], request)


def _decided(quantiles: tuple[float, ...], request: DecisionRequest) -> Opinion:
    view, price = market_view(request), float(request.price)
    low, lower, median, upper, high = quantiles
    spread = (high - low) / DEVIATIONS / price
    move = median / price - 1.0
    told = f"In {BARS_AHEAD} bars the median is {move:+.3%} away, a standard deviation {spread:.3%}"
    noticed = _noticed(spread, request)
    if spread <= 0 or abs(move) <= ROUND_TRIP or abs(move) < CLEAR * spread:
        return hold(f"{told}: no direction that pays.", confidence=0.5, insight=noticed)
    side = Side.BUY if move > 0 else Side.SELL
    if request.held * side.sign > 0:
        return hold(f"{told}: held already.", confidence=0.6, insight=noticed)
    below = _share_below(quantiles, price)
    stop, target = (low, upper) if side is Side.BUY else (high, lower)
    return Opinion(
        side=side,
        confidence=round(1.0 - below if side is Side.BUY else below, 4),
        size_fraction=round(min(1.0, abs(move) / spread), 4),
        stop_loss=view.at_tick(stop) if (price - stop) * side.sign > 0 else None,
        take_profit=view.at_tick(target) if (target - price) * side.sign > 0 else None,
        horizon_seconds=BARS_AHEAD * request.bar_seconds,
        rationale=f"{told}.",
        insight=noticed,
    )


def _noticed(spread: float, request: DecisionRequest) -> str:
    """What the peers should know of the width of a forecast; empty when it is as wide as what they saw themselves."""
    usual = volatility(request.closes) * math.sqrt(BARS_AHEAD)
    if usual <= 0 or NARROWER < spread / usual < WIDER:
        return ""
    change = "Wider" if spread > usual else "Narrower"
    return (
        f"{change} moves of {request.symbol} are to be expected than of late: a standard deviation of {spread:.2%} over "
        f"{BARS_AHEAD} bars instead of {usual:.2%}."
    )


def _share_below(quantiles: tuple[float, ...], price: float) -> float:
    """The forecast's probability of a price below `price`: linear between the quantiles, and never beyond them."""
    points = list(zip(quantiles, LEVELS, strict=True))
    if price <= quantiles[0]:
        return LEVELS[0]
    for (left, below), (right, above) in pairwise(points):
        if price <= right:
            return below + (above - below) * (price - left) / (right - left) if right > left else above
    return LEVELS[-1]
