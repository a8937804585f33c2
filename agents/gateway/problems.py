"""What the gateway answers when it refuses: problem+json (RFC 9457) that names the field."""

import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from agents.gateway.answers import ProblemBody, WrongField

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Raised where a request is refused."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[WrongField] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.body = ProblemBody(
            title=title, status=status, detail=detail, errors=list(errors), retry_after=retry_after
        )


def wrong_fields(fields: Sequence[WrongField]) -> Problem:
    """The problem that some fields are wrong."""
    detail = "; ".join(f"{wrong.field}: {wrong.reason}" for wrong in fields)
    return Problem(422, "Wrong field", detail, fields)


def wrong_field(field: str, reason: str) -> Problem:
    """The problem that one field is wrong."""
    return wrong_fields([WrongField(field=field, reason=reason)])


def fields_of(error: ValidationError | RequestValidationError, *prefix: str) -> list[WrongField]:
    """What pydantic found, by field; `prefix` is the way to the value that it looked at."""
    return [
        WrongField(
            field=".".join([*prefix, *(str(part) for part in found["loc"])]) or "body", reason=found["msg"]
        )
        for found in error.errors()
    ]


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI should say about the refusals of a route: each a problem."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def answer(problem: Problem) -> JSONResponse:
    """The response for a problem."""
    body = problem.body
    headers = {"WWW-Authenticate": "Bearer"} if body.status == 401 else {}
    if body.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(body.retry_after))
    return JSONResponse(
        body.model_dump(exclude_none=True), status_code=body.status, headers=headers, media_type=MEDIA_TYPE
    )


def install_problems(app: FastAPI) -> None:
    """Make `app` answer every refusal, FastAPI's own too, as a problem."""

    @app.exception_handler(Problem)
    async def _ours(request: Request, problem: Problem) -> JSONResponse:
        return answer(problem)

    @app.exception_handler(RequestValidationError)
    async def _parameters(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(wrong_fields(fields_of(error)))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        detail = f"{request.method} {request.url.path}: {error.detail}"
        response = answer(Problem(error.status_code, str(error.detail), detail))
        response.headers.update(error.headers or {})
        return response
