"""The backend `rule`: documented trading rules stand where the models stand in production."""

from typing import Any

import orjson
from pydantic import ValidationError

from agents.answers import write_answer
from agents.rules.mix import mix
from agents.rules.rule import MarketView, UnknownRule, rule_named, rule_names
from agents.serving.backend import Backend, UnknownModel, register
from agents.serving.chat import BadInstance, ChatInstance, completion, read_instance
from agents.serving.forecast_request import is_forecast
from agents.serving.forecaster import statistical_prediction
from agents.serving.options import ServerOptions
from contracts.refusals import describe


@register("rule")
class RuleBackend(Backend):
    """Answers every kind of request as the model would, told apart by the instance.

    * a decision: the rule reads the `market` in the JSON part of the user's message;
    * a portfolio: `mix` of the `markets` there;
    * a sentiment: 0, because nothing here can read a mood;
    * a forecast: the statistical forecaster, whatever the name.

    Deterministic; it says `rule:<name>` as its model (`forecast:statistical` for a forecast), and counts no tokens
    because it reads none.
    """

    def __init__(self, options: ServerOptions | None = None) -> None:
        """Nothing needs to be told."""

    @property
    def runs(self) -> str:
        return "documented trading rules, and a statistical forecaster"

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        try:
            rule_named(model)
        except UnknownRule as error:
            raise UnknownModel(str(error)) from None
        if is_forecast(instance):
            return statistical_prediction(instance)
        chat = read_instance(instance)
        answer = _ANSWERS.get(chat.answer_name, _decision)(model, chat)
        return completion(f"rule:{model}", answer, 0, 0)

    def models(self) -> tuple[str, ...]:
        return rule_names()


def _decision(model: str, chat: ChatInstance) -> str:
    try:
        view = MarketView.model_validate(_the_one(chat, "market"))
    except ValidationError as error:
        raise BadInstance(f"the market cannot be read: {describe(error)}") from None
    return write_answer(rule_named(model).decide(view), view.symbol)


def _sentiment(model: str, chat: ChatInstance) -> str:
    symbol = _the_one(chat, "symbol")
    told = "Nothing here reads a mood: a rule stands in for the model that would."
    return orjson.dumps({"symbol": symbol, "score": 0.0, "confidence": 0.0, "rationale": told}).decode()


def _portfolio(model: str, chat: ChatInstance) -> str:
    markets = _the_one(chat, "markets")
    try:
        seen = {
            symbol: ([float(close) for close in market["closes"]], float(market["held"]))
            for symbol, market in markets.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadInstance("the markets cannot be read: each needs closes and held") from None
    weights = mix(seen)
    told = ", ".join(f"{symbol} {weight:+.2f}" for symbol, weight in weights.items() if weight)
    rationale = f"What drifts steadily, by the inverse of its risk: {told or 'nothing'}."
    return orjson.dumps({"weights": weights, "confidence": 0.6, "rationale": rationale}).decode()


_ANSWERS = {"answer": _decision, "sentiment": _sentiment, "portfolio": _portfolio}


def _the_one(chat: ChatInstance, field: str) -> Any:
    found = [document[field] for document in chat.documents() if field in document]
    if len(found) != 1:
        raise BadInstance(
            f"a rule needs one JSON part with `{field}` in the user's message, not {len(found)}"
        )
    return found[0]
