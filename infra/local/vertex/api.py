"""The public REST API of Vertex AI's endpoints as the desk uses it: list, get, predict, rawPredict, and deployment."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from infra.local.vertex.deployment import add_deployment
from infra.local.vertex.endpoints import Access, Endpoint, Endpoints

_PARENT = "/{version}/projects/{project}/locations/{location}"
_STATUSES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

log = logging.getLogger(__name__)


def create_app(
    endpoints: Endpoints, model_server: str, predict_route: str = "/predict/{model}", timeout: float = 60.0
) -> FastAPI:
    """The emulator's app in front of the model server at `model_server`.

    A prediction is sent to `predict_route` with the deployed model's name for `{model}`. An endpoint that is not public
    is asked at its private host alone, which is this very app at another port. Errors look like Google's: `{"error":
    {"code", "message", "status"}}`; those of the model server keep their status.
    """
    server = httpx.AsyncClient(timeout=timeout)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with server:
            yield

    app = FastAPI(title="Vertex AI emulator", lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)

    @app.get(f"{_PARENT}/endpoints")
    async def list_endpoints(project: str, location: str, filter: str = "") -> dict[str, Any]:
        try:
            found = list(endpoints.matching(filter))
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return {"endpoints": [endpoint.resource(project, location) for endpoint in found]}

    @app.get(f"{_PARENT}/endpoints/{{endpoint_id}}")
    async def get_endpoint(project: str, location: str, endpoint_id: str) -> dict[str, Any]:
        return known(project, location, endpoint_id).resource(project, location)

    @app.post(f"{_PARENT}/endpoints/{{endpoint_id}}:predict")
    async def predict(project: str, location: str, endpoint_id: str, request: Request) -> Response:
        endpoint = known(project, location, endpoint_id)
        reachable(endpoint, Access.CONNECT, request)
        answer = await asked(endpoint, await request.body())
        if answer.is_error:
            told = f"the model server answered: {answer.text[:500]}"
            passed_on = {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}
            raise HTTPException(answer.status_code, told, headers=passed_on)
        try:
            predictions = answer.json()["predictions"]
        except (ValueError, KeyError, TypeError):
            raise HTTPException(500, "the model server's answer has no predictions") from None
        return JSONResponse(endpoint.prediction(project, location, predictions))

    @app.post("/{version}/models/{deployed_id}:predict")
    async def predict_at_the_model(deployed_id: str, request: Request) -> Response:
        endpoint = endpoints.by_deployed_id(deployed_id)
        if endpoint is None:
            raise HTTPException(404, f"there is no deployed model {deployed_id}")
        reachable(endpoint, Access.NETWORK, request)
        return as_it_came(await asked(endpoint, await request.body()))

    @app.post(f"{_PARENT}/endpoints/{{endpoint_id}}:rawPredict")
    async def raw_predict(project: str, location: str, endpoint_id: str, request: Request) -> Response:
        endpoint = known(project, location, endpoint_id)
        reachable(endpoint, Access.CONNECT, request)
        return as_it_came(await asked(endpoint, await request.body()))

    def as_it_came(answer: httpx.Response) -> Response:
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    def reachable(endpoint: Endpoint, privately: Access, request: Request) -> None:
        """A public endpoint is asked at the public host, a private one at its own, by the way that it has."""
        at_private_host = request.url.netloc == endpoint.private_host
        if endpoint.access is not (privately if at_private_host else Access.PUBLIC):
            told = f"the endpoint {endpoint.display_name} is {endpoint.access} and cannot be asked here"
            raise HTTPException(400, told)

    def known(project: str, location: str, endpoint_id: str) -> Endpoint:
        endpoint = endpoints.by_id(endpoint_id)
        if endpoint is None:
            name = f"projects/{project}/locations/{location}/endpoints/{endpoint_id}"
            raise HTTPException(404, f"The Endpoint does not exist: {name}")
        return endpoint

    async def asked(endpoint: Endpoint, body: bytes) -> httpx.Response:
        if not endpoint.model:
            raise HTTPException(400, f"nothing is deployed to the endpoint {endpoint.display_name}")
        at = endpoint.server or model_server
        url = at.rstrip("/") + predict_route.replace("{model}", endpoint.model)
        try:
            return await server.post(url, content=body, headers={"content-type": "application/json"})
        except httpx.TimeoutException:
            raise HTTPException(504, f"the model server did not answer within {timeout:g} s") from None
        except httpx.HTTPError as error:
            raise HTTPException(503, f"no model server at {at}: {error}") from None

    add_deployment(app, _PARENT, endpoints)

    @app.get("/healthz")
    async def healthy() -> dict[str, int]:
        return {"endpoints": len(endpoints)}

    @app.exception_handler(AnyHTTPException)
    async def as_google_says_it(request: Request, error: AnyHTTPException) -> JSONResponse:
        status = _STATUSES.get(
            error.status_code, "INTERNAL" if error.status_code >= 500 else "INVALID_ARGUMENT"
        )
        body = {"error": {"code": error.status_code, "message": error.detail, "status": status}}
        return JSONResponse(body, error.status_code, headers=error.headers)

    return app
