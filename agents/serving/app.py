"""The HTTP side of the model server: Vertex AI's contract for custom containers."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import Body, FastAPI, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from agents.serving.backend import Backend, Busy, ModelFailed, UnknownModel, Unrecorded
from agents.serving.chat import BadInstance
from agents.serving.metrics import Metrics
from agents.serving.options import ServerOptions
from agents.serving.readiness import Readiness, Stage
from agents.serving.size_limit import SizeLimit
from agents.serving.turns import RETRY_AFTER_SECONDS, Turns

MODEL = "{model}"
"""In a predict route: where the name of the asked model stands."""
METRICS_ROUTE = "/metrics"

_STATUSES: dict[type[Exception], int] = {
    BadInstance: 400,
    RequestValidationError: 400,
    UnknownModel: 404,
    Unrecorded: 404,
    Busy: 429,
    ModelFailed: 503,
}


class Predict(BaseModel):
    """The body of a prediction."""

    instances: Annotated[list[dict[str, Any]], Field(min_length=1)]
    parameters: dict[str, Any] | None = None


def create_app(
    backend: Backend,
    health_route: str,
    predict_route: str,
    model: str | None = None,
    options: ServerOptions | None = None,
    on_failure: Callable[[str], None] | None = None,
) -> FastAPI:
    """The server's app: GET `health_route`, POST `predict_route`, GET /metrics.

    `predict_route` has `{model}` in it (one server for several endpoints), or `model` says which one is
    served, as in a container of its own. Health is a 503 until the model has loaded, and so are predictions. What
    cannot be answered is `{"error": "..."}`: 400 a bad instance, 404 an unknown model or an unrecorded question, 413 too
    large, 429 with Retry-After when too many wait, 503 when the model failed. `on_failure` is told why it cannot load, or
    why it broke since, by the first look at its health.
    """
    if (MODEL in predict_route) == (model is not None):
        raise ValueError(
            f"give a predict route with {MODEL} in it, or name the model that it serves, not both"
        )
    if model is not None and model not in backend.models():
        raise UnknownModel(f"there is no model called {model!r}; served are {', '.join(backend.models())}")
    options = options or ServerOptions()
    readiness = Readiness(backend, on_failure)
    turns = Turns(backend.parallel, options.queue, options.answer_seconds)
    metrics = Metrics(turns)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        limiter = current_default_thread_limiter()
        limiter.total_tokens = max(limiter.total_tokens, (backend.parallel or 0) + options.queue + 1)
        readiness.begin()
        yield
        readiness.end()

    app = FastAPI(
        title="Sapphire model server", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.add_middleware(SizeLimit)

    def answers(asked: str, predict: Predict) -> dict[str, Any]:
        if readiness.stage is not Stage.READY:
            raise ModelFailed(readiness.error or "the model is still loading")
        if len(predict.instances) > backend.most_instances:
            told = (
                f"{len(predict.instances)} instances; at most {backend.most_instances} are answered at once"
            )
            raise BadInstance(told)
        with turns.taken():
            predictions = [backend.predict(asked, instance) for instance in predict.instances]
        for prediction in predictions:
            metrics.count_tokens(asked, prediction)
        return {"predictions": predictions}

    def measured(asked: str, predict: Predict) -> dict[str, Any]:
        known, began, status = asked if asked in backend.models() else "unknown", time.perf_counter(), 500
        try:
            answer = answers(asked, predict)
            status = 200
            return answer
        except tuple(_STATUSES) as error:
            status = _STATUSES[type(error)]
            raise
        finally:
            metrics.predictions.labels(known, status).inc()
            metrics.seconds.labels(known).observe(time.perf_counter() - began)

    def predict_named(model: Annotated[str, Path()], body: Annotated[Predict, Body()]) -> dict[str, Any]:
        return measured(model, body)

    def predict_only(body: Annotated[Predict, Body()]) -> dict[str, Any]:
        return measured(model or "", body)

    async def health() -> JSONResponse:  # async, as below: answered even when every thread is at work
        stage = readiness.stage
        told: dict[str, Any] = {"status": stage, "runs": backend.runs, "models": list(backend.models())}
        if readiness.error is not None:
            told["error"] = readiness.error
            readiness.tell_failure()
        return JSONResponse(told, 200 if stage is Stage.READY else 503)

    async def measures() -> Response:
        metrics.ready.set(readiness.stage is Stage.READY)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    def refused(request: Request, error: Exception) -> JSONResponse:
        headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if isinstance(error, Busy) else None
        return JSONResponse({"error": str(error)}, _STATUSES[type(error)], headers)

    app.add_api_route(health_route, health, methods=["GET"])
    app.add_api_route(METRICS_ROUTE, measures, methods=["GET"])
    app.add_api_route(predict_route, predict_only if model else predict_named, methods=["POST"])
    for kind in _STATUSES:
        app.add_exception_handler(kind, refused)
    return app
