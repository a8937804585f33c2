import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from contracts.orders import OrderView
from execution.service.access import Scope, Tokens
from execution.service.app import build_app
from execution.service.bounds import Bounds
from execution.service.flow_counts import FlowCounts
from execution.service.protection_routes import ProtectionDesk
from execution.service.readiness import ReadinessChecks
from tests.execution.trading_floor import Floor, request

TOKEN, READ, ADMIN = "a-token-for-tests", "a-token-that-reads", "a-token-that-stops"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Service:
    def __init__(self, floor: Floor, token: str = TOKEN, bounds: Bounds = Bounds()) -> None:  # noqa: B008
        self.floor = floor
        self.flow = FlowCounts()
        self.outbox_trouble: str | None = None
        checks = ReadinessChecks(
            floor.ledger, floor.venue, floor.placement, floor.clock, lambda: self.outbox_trouble
        )
        tokens = {Scope.TRADE: token, Scope.READ: token and READ, Scope.ADMIN: token and ADMIN}
        self.app = app = build_app(
            floor.placement,
            floor.ledger,
            tokens=Tokens({scope: SecretStr(text) for scope, text in tokens.items()}),
            guard=floor.guard,
            protection=ProtectionDesk(
                floor.guard, floor.ledger, floor.protection_limits, stopped=floor.upkeep.tick
            ),
            readiness=checks,
            flow=self.flow,
            bounds=bounds,
        )
        self.http = TestClient(app, raise_server_exceptions=False)

    def get(self, path: str, token: str = READ, **params: Any) -> Any:
        return self.http.get(path, params=params, headers={"Authorization": f"Bearer {token}"})

    def post(self, body: bytes | str, headers: dict[str, str] = BEARER) -> Any:
        return self.http.post("/orders", content=body, headers={"content-type": "application/json"} | headers)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    floor = Floor(tmp_path).open()
    yield Service(floor)
    floor.ledger.close()


def test_an_order_is_made_once_and_answered_alike(service: Service) -> None:
    first, second = service.post(request().to_json()), service.post(request().to_json())
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
    view = OrderView.from_json(first.content)
    assert service.get(f"/orders/{view.request.client_order_id}").json() == json.loads(first.content)
    assert service.get("/orders").json() == [json.loads(first.content)]
    (position,) = service.get("/positions", symbol="BTCUSDT").json()
    assert (position["quantity"], position["entry_price"]) == ("0.5", "42000.1")


def test_another_body_is_a_conflict(service: Service) -> None:
    service.post(request().to_json())
    answer = service.post(request(symbol="ETHUSDT").to_json())
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == "client_order_id"


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "send the header Authorization: Bearer <token>"),
        ({"Authorization": "Bearer wrong"}, "the token is not one that this service was started with"),
    ],
)
def test_without_the_token_nothing_is_placed(service: Service, headers: dict[str, str], detail: str) -> None:
    answer = service.post(request().to_json(), headers)
    assert (answer.status_code, answer.json()["detail"]) == (401, detail)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert service.get("/orders").json() == []


def test_a_service_without_a_token_takes_no_orders(tmp_path: Path) -> None:
    floor = Floor(tmp_path).open()
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
        answer = Service(floor, token="").post(request().to_json(), headers)
        assert answer.status_code == 401
        assert "start it with SAPPHIRE_EXECUTION_TOKEN or" in answer.json()["detail"]
    floor.ledger.close()


def test_a_wrong_request_names_the_fields(service: Service) -> None:
    body = json.loads(request().to_json()) | {"quantity": "-1", "colour": "blue"}
    answer = service.post(json.dumps(body))
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"quantity", "colour"}
    assert service.post("not json").status_code == 422
    missing = service.post(request(side="HOLD").to_json())
    assert missing.json()["errors"] == [{"field": "side", "detail": "an order is a BUY or a SELL"}]


def test_nan_is_no_quantity(service: Service) -> None:
    body = request().to_json().replace(b'"quantity":"0.5"', b'"quantity":NaN')
    assert service.post(body).status_code == 422


def test_lists_take_filters_and_refuse_wrong_ones(service: Service) -> None:
    service.post(request().to_json())
    assert service.get("/orders", status="REJECTED").json() == []
    wrong = service.get("/orders", limit=0)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "limit")
    assert service.get("/orders/none").status_code == 404
    assert service.http.get("/nowhere").headers["content-type"] == "application/problem+json"


def test_readiness_names_what_is_missing(tmp_path: Path) -> None:
    floor = Floor(tmp_path)
    service = Service(floor)
    service.outbox_trouble = "the outbox is not running"
    assert service.http.get("/healthz").json() == {"status": "ok"}
    answer = service.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "checks": {
            "ledger": "ok",
            "clock": "ok",
            "venue": "no market data has arrived yet",
            "reconciled": "open orders are still being reconciled",
            "outbox": "the outbox is not running",
        },
    }
    assert service.post(request().to_json()).status_code == 503
    floor.open()
    service.outbox_trouble = None
    assert (service.http.get("/readyz").status_code, service.http.get("/readyz").json()["ready"]) == (
        200,
        True,
    )
    floor.ledger.close()


def test_what_went_in_came_out_or_was_refused(service: Service) -> None:
    service.post(request("filled").to_json())
    service.post(request("filled").to_json())
    service.post(request("no-price", symbol="ETHUSDT").to_json())
    service.post("{}")
    service.post(request("filled", symbol="ETHUSDT").to_json())
    service.post(request("filled").to_json(), {})
    counts = service.flow.snapshot()
    assert counts == {"in": 5, "out": 1, "refused": 4, "open": 0, "repeated": 1, "failed": 0}


def test_a_failure_is_a_problem_and_may_be_asked_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the text of an exception stays inside")

    with monkeypatch.context() as patched:
        patched.setattr(service.floor.ledger, "entry", fail)
        answer = service.post(request().to_json())
    assert answer.status_code == 500 and "stays inside" not in answer.text
    assert service.flow.snapshot()["failed"] == 1
    assert service.post(request().to_json()).status_code == 201


def test_the_openapi_document_is_made_of_the_contracts(service: Service) -> None:
    document = service.http.get("/openapi.json").json()
    assert {"OrderRequest", "OrderView", "PositionView", "Problem", "Readiness"} <= set(
        document["components"]["schemas"]
    )
    place = document["paths"]["/orders"]["post"]
    assert set(place["responses"]) == {
        "200", "201", "401", "403", "409", "413", "422", "429", "503",
    }  # fmt: skip
    assert place["security"] == [{"execution token": []}]
    assert list(place["responses"]["409"]["content"]) == ["application/problem+json"]
