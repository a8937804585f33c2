"""The backend `forecast`: forecast instances in, quantiles out, by the statistical forecaster."""

from typing import Any

from agents.serving.backend import UnknownModel, register
from agents.serving.forecast_request import prediction, read_forecast_instance
from agents.serving.forecaster import forecast

STATISTICAL = "statistical"


@register("forecast")
class ForecastBackend:
    """Deterministic; it says `forecast:statistical` as its model."""

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        if model != STATISTICAL:
            raise UnknownModel(f"there is no forecaster called {model!r}; served is {STATISTICAL}")
        asked = read_forecast_instance(instance)
        quantiles = forecast(asked.target, asked.prediction_length, asked.quantile_levels)
        return prediction(f"forecast:{STATISTICAL}", quantiles)

    def models(self) -> tuple[str, ...]:
        return (STATISTICAL,)
