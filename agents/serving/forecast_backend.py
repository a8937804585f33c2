"""The backend `forecast`: forecast instances in, quantiles out; by Lag-Llama where it is to be had."""

from pathlib import Path
from typing import Any

from agents.serving.backend import Backend, CannotServe, UnknownModel, register
from agents.serving.forecast_request import prediction, read_forecast_instance
from agents.serving.forecaster import STATISTICAL, statistical_prediction
from agents.serving.lag_llama import LAG_LLAMA, LagLlama, missing_libraries
from agents.serving.options import ServerOptions


@register("forecast")
class ForecastBackend(Backend):
    """Lag-Llama when `options.weights` names its checkpoint, else the statistical forecaster, which is deterministic.

    It never takes the one for the other: weights without the libraries that run them are an error, and what runs is told
    by health, by the name of the model in every answer (`lag-llama` or `forecast:statistical`) and by the name served.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._lag_llama: LagLlama | None = None
        self._missing = missing_libraries()
        self.needs_loading = options.weights is not None
        self.parallel = 1 if self.needs_loading else None
        self._model = options.model or (LAG_LLAMA if self.needs_loading else STATISTICAL)
        if options.weights is not None:
            _check(Path(options.weights), self._missing)

    @property
    def runs(self) -> str:
        if self._options.weights is not None:
            return f"Lag-Llama ({self._options.weights}) through gluonts and torch"
        lacking = f"{', '.join(self._missing)} not installed" if self._missing else "no --weights were given"
        return f"the statistical forecaster (not Lag-Llama: {lacking})"

    def models(self) -> tuple[str, ...]:
        return (self._model,)

    def load(self) -> None:
        self._lag_llama = LagLlama.loaded(Path(str(self._options.weights)))

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        if model != self._model:
            raise UnknownModel(f"there is no forecaster called {model!r}; served is {self._model}")
        if self._lag_llama is None:
            return statistical_prediction(instance)
        asked = read_forecast_instance(instance)
        return prediction(LAG_LLAMA, self._lag_llama.quantiles(asked))


def _check(checkpoint: Path, missing: tuple[str, ...]) -> None:
    if missing:
        told = f"Lag-Llama needs {', '.join(missing)}, not installed here"
        raise CannotServe(f"{told}: install them, or leave --weights out for the statistical forecaster")
    if not checkpoint.is_file():
        raise CannotServe(f"there is no checkpoint {checkpoint}: give --weights the file lag-llama.ckpt")
