"""The backend `rule`: documented trading rules stand where language models stand in production."""

from typing import Any

from pydantic import ValidationError

from agents.answers import write_answer
from agents.rules.rule import MarketView, UnknownRule, rule_named, rule_names
from agents.serving.backend import UnknownModel, register
from agents.serving.chat import BadInstance, completion, read_instance
from contracts.refusals import describe


@register("rule")
class RuleBackend:
    """Reads the market in the JSON part of the user's message; answers as a model would, with JSON text.

    Deterministic; it says `rule:<name>` as its model, and counts no tokens because it reads none.
    """

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        try:
            rule = rule_named(model)
        except UnknownRule as error:
            raise UnknownModel(str(error)) from None
        markets = [
            document["market"] for document in read_instance(instance).documents() if "market" in document
        ]
        if len(markets) != 1:
            raise BadInstance(
                f"a rule needs one JSON part with a `market` in the user's message, not {len(markets)}"
            )
        try:
            view = MarketView.model_validate(markets[0])
        except ValidationError as error:
            raise BadInstance(f"the market cannot be read: {describe(error)}") from None
        return completion(f"rule:{model}", write_answer(rule.decide(view), view.symbol), 0, 0)

    def models(self) -> tuple[str, ...]:
        return rule_names()
