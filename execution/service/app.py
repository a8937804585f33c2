"""The service's API: its routes, over a placement and a ledger."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Response

from contracts.model import Name
from contracts.orders import OrderRequest, OrderView, PositionView
from contracts.payloads import OrderStatus
from execution.ledger.ledger import Ledger, OrderFilter
from execution.placement import Placement
from execution.problem import PROBLEM_JSON, Problem
from execution.protection.guard import Guard
from execution.service.access import Credentials, Scope, Tokens
from execution.service.bounds import BoundedRequests, Bounds
from execution.service.flow_counts import FlowCounts
from execution.service.problems import document_problems, handle_problems, respond
from execution.service.protection_routes import ProtectionDesk, protection_routes
from execution.service.readiness import Health, Readiness

_JSON = "application/json"


def _problem(about: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"model": Problem, "description": about, "content": {PROBLEM_JSON: {"schema": schema}}}


_ANYWHERE: dict[int | str, dict[str, Any]] = {
    401: _problem("No token, or a wrong one"),
    403: _problem("The token is of another scope"),
    429: _problem("Too many requests; send it again after Retry-After seconds"),
    503: _problem("The service is not ready; send the same request again"),
}
_WITH_BODY: dict[int | str, dict[str, Any]] = {
    400: _problem("The body is not text"),
    413: _problem("The body is too long"),
    422: _problem("The request is not valid; errors name the fields"),
}


def build_app(
    placement: Placement,
    ledger: Ledger,
    *,
    tokens: Tokens,
    guard: Guard,
    protection: ProtectionDesk,
    readiness: Callable[[], Readiness],
    flow: FlowCounts,
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """The ASGI application; `lifespan` starts and stops what runs beside it."""
    app = FastAPI(
        title="Sapphire execution service",
        version="1",
        description="Places orders, once each, and tells what became of them.",
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    handle_problems(app, flow)
    app.add_middleware(BoundedRequests, bounds=bounds, flow=flow)

    def may(scope: Scope) -> Callable[..., None]:
        def check(credentials: Credentials) -> None:
            tokens.check(scope, credentials)

        return check

    may_trade, may_read, may_admin = may(Scope.TRADE), may(Scope.READ), may(Scope.ADMIN)
    app.include_router(protection_routes(protection, guard, may_admin, may_trade, _ANYWHERE | _WITH_BODY))

    @app.post(
        "/orders",
        status_code=201,
        response_model=OrderView,
        tags=["orders"],
        summary="Place an order",
        dependencies=[Depends(may_trade)],
        responses={
            200: {"model": OrderView, "description": "The order existed already: as it stands now"},
            201: {"description": "The order was placed; its status says what became of it, REJECTED too"},
            **_ANYWHERE,
            **_WITH_BODY,
            409: _problem("The client_order_id belongs to another order"),
        },
    )
    def place_order(request: OrderRequest) -> Response:
        placed = placement.place(request)
        if placed.is_new:
            flow.placed(request.client_order_id, placed.order.status)
        else:
            flow.repeated()
        return Response(placed.order.to_json(), status_code=201 if placed.is_new else 200, media_type=_JSON)

    @app.get(
        "/orders",
        tags=["orders"],
        summary="List orders, newest first",
        dependencies=[Depends(may_read)],
        responses={**_ANYWHERE, 422: _problem("A wrong filter")},
    )
    def list_orders(
        desk: Name | None = None,
        agent: Name | None = None,
        symbol: Name | None = None,
        status: OrderStatus | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[OrderView]:
        return ledger.orders(OrderFilter(desk=desk, agent=agent, symbol=symbol, status=status), limit)

    @app.get(
        "/orders/{client_order_id}",
        response_model=OrderView,
        tags=["orders"],
        summary="One order",
        dependencies=[Depends(may_read)],
        responses={**_ANYWHERE, 404: _problem("No such order"), 422: _problem("No such id")},
    )
    def get_order(client_order_id: Name) -> OrderView | Response:
        order = ledger.order(client_order_id)
        if order is None:
            return respond(
                Problem(title="Not Found", status=404, detail=f"there is no order {client_order_id}")
            )
        return order

    @app.get(
        "/positions",
        tags=["positions"],
        summary="What each desk holds",
        dependencies=[Depends(may_read)],
        responses={**_ANYWHERE, 422: _problem("A wrong filter")},
    )
    def list_positions(desk: Name | None = None, symbol: Name | None = None) -> list[PositionView]:
        return ledger.positions(desk, symbol)

    @app.get("/healthz", tags=["health"], summary="Whether the process answers")
    def healthz() -> Health:
        return Health()

    @app.get(
        "/readyz",
        response_model=Readiness,
        tags=["health"],
        summary="Whether orders can be taken",
        responses={503: {"model": Readiness, "description": "Not yet; the checks say what is missing"}},
    )
    def readyz(response: Response) -> Readiness:
        state = readiness()
        response.status_code = 200 if state.ready else 503
        return state

    document_problems(app)
    return app
