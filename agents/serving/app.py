"""The HTTP side of the model server: Vertex AI's contract for custom containers."""

from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from agents.serving.backend import Backend, UnknownModel
from agents.serving.chat import BadInstance

MODEL = "{model}"
"""In a predict route: where the name of the asked model stands."""


class Predict(BaseModel):
    """The body of a prediction."""

    instances: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=128)]
    parameters: dict[str, Any] | None = None


def create_app(backend: Backend, health_route: str, predict_route: str, model: str | None = None) -> FastAPI:
    """The server's app: GET `health_route`, POST `predict_route`.

    `predict_route` has `{model}` in it (one server for several endpoints), or `model` says which one is
    served, as in a container of its own. An instance that cannot be answered is a 400, an unknown model a
    404, both as `{"error": "..."}`.
    """
    if (MODEL in predict_route) == (model is not None):
        raise ValueError(
            f"give a predict route with {MODEL} in it, or name the model that it serves, not both"
        )
    if model is not None and model not in backend.models():
        raise UnknownModel(f"there is no model called {model!r}; served are {', '.join(backend.models())}")
    app = FastAPI(title="Sapphire model server", docs_url=None, redoc_url=None, openapi_url=None)

    def answers(asked: str, predict: Predict) -> dict[str, Any]:
        return {"predictions": [backend.predict(asked, instance) for instance in predict.instances]}

    def predict_named(model: Annotated[str, Path()], body: Annotated[Predict, Body()]) -> dict[str, Any]:
        return answers(model, body)

    def predict_only(body: Annotated[Predict, Body()]) -> dict[str, Any]:
        return answers(model or "", body)

    def healthy() -> dict[str, list[str]]:
        return {"models": list(backend.models())}

    def bad_request(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 400)

    def unknown_model(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 404)

    app.add_api_route(health_route, healthy, methods=["GET"])
    app.add_api_route(predict_route, predict_only if model else predict_named, methods=["POST"])
    app.add_exception_handler(BadInstance, bad_request)
    app.add_exception_handler(RequestValidationError, bad_request)
    app.add_exception_handler(UnknownModel, unknown_model)
    return app
