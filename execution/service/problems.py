"""What goes wrong in a request, as problem+json."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from execution.placement import NotReady, OrderConflict, Unplaceable
from execution.problem import PROBLEM_JSON, FieldProblem, Problem
from execution.service.access import Forbidden, Unauthorised
from execution.service.flow_counts import FlowCounts

PLACE_ORDER = ("POST", "/orders")


def respond(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The response that carries a problem."""
    return Response(
        problem.model_dump_json(), status_code=problem.status, media_type=PROBLEM_JSON, headers=headers
    )


def handle_problems(app: FastAPI, flow: FlowCounts) -> None:
    """Answer every exception that our routes raise with its problem, and count those of orders."""

    def register(kind: type[Exception], problem_of: Callable[[Any], Problem], **headers: str) -> None:
        def handle(request: Request, error: Exception) -> Response:
            problem = problem_of(error)
            more = dict(getattr(error, "headers", None) or {})
            if (request.method, request.url.path) == PLACE_ORDER:
                (flow.refused if problem.status < 500 else flow.failed)()
            return respond(
                problem, headers=more | {name.replace("_", "-"): value for name, value in headers.items()}
            )

        app.add_exception_handler(kind, handle)

    register(
        Unauthorised,
        lambda error: Problem(title="Unauthorized", status=401, detail=str(error)),
        www_authenticate="Bearer",
    )
    register(Forbidden, lambda error: Problem(title="Forbidden", status=403, detail=str(error)))
    register(RequestValidationError, lambda error: _invalid(error.errors()))
    register(
        Unplaceable,
        lambda error: Problem(
            title="Unprocessable Content",
            status=422,
            detail="the order cannot be placed as it is",
            errors=[FieldProblem(field=error.field, detail=str(error))],
        ),
    )
    register(
        OrderConflict,
        lambda error: Problem(
            title="Conflict",
            status=409,
            detail=str(error),
            errors=[
                FieldProblem(
                    field="client_order_id", detail="the same id is the same order, with the same body"
                )
            ],
        ),
    )
    register(
        NotReady,
        lambda error: Problem(title="Service Unavailable", status=503, detail=str(error)),
        retry_after="1",
    )
    register(
        HTTPException,
        lambda error: Problem(title="Error", status=error.status_code, detail=str(error.detail)),
    )
    register(
        OperationalError,
        lambda _: Problem(
            title="Service Unavailable",
            status=503,
            detail="the ledger is busy or away: send the same request again",
        ),
        retry_after="1",
    )
    register(
        Exception,
        lambda _: Problem(
            title="Internal Server Error",
            status=500,
            detail="the service failed; the same request may be sent again",
        ),
    )


def document_problems(app: FastAPI) -> None:
    """Let the OpenAPI document say problem+json alone where an answer is a problem: FastAPI adds plain JSON to it."""
    plain_document = app.openapi

    def document() -> dict[str, Any]:
        made = plain_document()
        for path in made["paths"].values():
            for operation in path.values():
                for response in operation["responses"].values():
                    content = response.get("content", {})
                    if PROBLEM_JSON in content:
                        content.pop("application/json", None)
        return made

    app.openapi = document  # type: ignore[method-assign]


def _invalid(errors: Sequence[Any]) -> Problem:
    found = []
    for error in errors:
        place = [str(part) for part in error["loc"] if part not in ("body", "query", "path")]
        found.append(FieldProblem(field=".".join(place) or "body", detail=error["msg"]))
    return Problem(title="Unprocessable Content", status=422, detail="the request is not valid", errors=found)
