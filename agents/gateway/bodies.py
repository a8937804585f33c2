"""Reading the body of a request: only of those who may speak, and never more than a message may be."""

from typing import Any, TypeVar

import orjson
from fastapi import FastAPI, Request
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from agents.gateway.problems import Problem, fields_of, wrong_field, wrong_fields
from contracts.refusals import MAX_MESSAGE_BYTES

Body = TypeVar("Body", bound=BaseModel)

_REFERENCE = "#/components/schemas/{model}"


async def json_body(request: Request) -> Any:
    """The JSON in the request's body; raises `Problem` when it is too large or not JSON."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_MESSAGE_BYTES:
            raise Problem(
                413, "Too large", f"the body is larger than {MAX_MESSAGE_BYTES} bytes: send less at once"
            )
    try:
        return orjson.loads(bytes(data))
    except orjson.JSONDecodeError as error:
        raise wrong_field("body", f"not JSON: {error}") from None


async def read_body(request: Request, model: type[Body]) -> Body:
    """The `model` in the request's body; raises `Problem`, which names the wrong field."""
    try:
        return model.model_validate(await json_body(request))
    except ValidationError as error:
        raise wrong_fields(fields_of(error)) from None


def takes(model: type[BaseModel], *, many: bool = False) -> dict[str, Any]:
    """What OpenAPI should say about the body of a route that reads it with `json_body`."""
    one = {"$ref": _REFERENCE.format(model=model.__name__)}
    schema = {"oneOf": [one, {"type": "array", "items": one}]} if many else one
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def describe_bodies(app: FastAPI, models: list[type[BaseModel]]) -> None:
    """Add the schemas that `takes` refers to to the app's OpenAPI."""
    _, defined = models_json_schema([(model, "validation") for model in models], ref_template=_REFERENCE)
    generated = app.openapi

    def with_bodies() -> dict[str, Any]:
        document = generated()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name, schema in defined["$defs"].items():
            schemas.setdefault(name, schema)
        return document

    app.openapi = with_bodies  # type: ignore[method-assign]
