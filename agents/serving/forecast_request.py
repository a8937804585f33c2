"""The forecast format: an instance with a history in, quantiles out."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.serving.chat import BadInstance
from contracts.refusals import describe

FORMAT = "forecast"


class ForecastInstance(BaseModel):
    """A history of closes, oldest first, and what is wanted of the bars after it.

    `end` is when the last of them closed; only a model that knows the time of day reads it.
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True, allow_inf_nan=False)

    request_format: Annotated[Literal["forecast"], Field(alias="@requestFormat")]
    target: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1, max_length=10_000)]
    end: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    bar_seconds: Annotated[int, Field(ge=1)] = 60
    prediction_length: Annotated[int, Field(ge=1, le=1_000)]
    quantile_levels: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1, max_length=99)]


def is_forecast(instance: object) -> bool:
    """Whether the instance asks for a forecast."""
    return isinstance(instance, dict) and instance.get("@requestFormat") == FORMAT


def read_forecast_instance(instance: object) -> ForecastInstance:
    """The instance in a request's body; raises `BadInstance`."""
    try:
        return ForecastInstance.model_validate(instance)
    except ValidationError as error:
        raise BadInstance(f"not a forecast instance: {describe(error)}") from None


def prediction(model: str, quantiles: list[list[float]]) -> dict[str, Any]:
    """A finished forecast: a row for each bar ahead."""
    return {"model": model, "quantiles": quantiles}
