import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.testclient import TestClient
from pydantic import SecretStr

from contracts.orders import OrderView
from contracts.settings import Settings
from execution.service.access import Scope, Tokens, TokensError, Unauthorised
from execution.service.app import build_app
from execution.service.bounds import Bounds, Pace
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
        "200", "201", "400", "401", "403", "409", "413", "422", "429", "503",
    }  # fmt: skip
    assert place["security"] == [{"execution token": []}]
    assert list(place["responses"]["409"]["content"]) == ["application/problem+json"]


# --- scopes, bounds, protection ------------------------------------------------------------------------

ROUTES = [
    ("POST", "/orders", "trade"), ("POST", "/heartbeat", "trade"), ("GET", "/orders", "read"),
    ("GET", "/orders/x", "read"), ("GET", "/positions", "read"), ("POST", "/kill", "admin"),
    ("POST", "/release", "admin"), ("GET", "/protection", "admin"),
]  # fmt: skip
ALLOWED = {"trade": {TOKEN}, "read": {TOKEN, READ, ADMIN}, "admin": {ADMIN}}


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_each_route_needs_its_scope(service: Service, method: str, path: str, scope: str) -> None:
    for token in (TOKEN, READ, ADMIN, "wrong", "", None):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        status = service.http.request(method, path, headers=headers).status_code
        if token in ALLOWED[scope]:
            assert status in (200, 204, 404, 422)
        else:
            assert status == (403 if token in (TOKEN, READ, ADMIN) else 401)


def test_every_route_but_health_asks_for_a_token(service: Service) -> None:
    document = service.http.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations:
            answer = service.http.request(method.upper(), path.replace("{client_order_id}", "x"))
            assert answer.status_code == (401 if path not in ("/healthz", "/readyz") else 200)


def test_tokens_come_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text('{"trade": "one", "admin": "two"}')
    tokens = Tokens.of(Settings(execution_tokens=file, execution_token="other"))
    tokens.check(Scope.ADMIN, HTTPAuthorizationCredentials(scheme="Bearer", credentials="two"))
    with pytest.raises(Unauthorised):
        tokens.check(Scope.TRADE, HTTPAuthorizationCredentials(scheme="Bearer", credentials="other"))
    for content, says in (
        ('{"trade": "one", "read": "one"}', "two scopes"),
        ("[]", "JSON object"),
        ("{", "JSON"),
    ):
        file.write_text(content)
        with pytest.raises(TokensError, match=says):
            Tokens.of(Settings(execution_tokens=file))
    with pytest.raises(TokensError, match="cannot be read"):
        Tokens.of(Settings(execution_tokens=tmp_path / "none"))


def test_a_body_that_is_too_long_is_refused(service: Service) -> None:
    answer = service.post(b" " * 65_537)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")

    def chunks() -> Iterator[bytes]:
        for _ in range(70):
            yield b" " * 1_000

    assert service.post(chunks()).status_code == 413  # type: ignore[arg-type]
    assert service.flow.snapshot()["refused"] == 2


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    floor = Floor(tmp_path).open()
    service = Service(floor, bounds=Bounds(per_second=0.001, burst=2))
    assert [service.post(request().to_json()).status_code for _ in range(3)] == [201, 200, 429]
    answer = service.post(request().to_json())
    assert 990 <= int(answer.headers["retry-after"]) <= 1_000
    assert service.get("/orders").status_code == 200
    assert service.http.get("/healthz").status_code == 200
    assert service.flow.snapshot()["failed"] == 2
    floor.ledger.close()


def test_a_full_burst_is_back_after_its_time() -> None:
    pace = Pace(per_second=10, burst=3)
    assert [pace.wait(b"a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.1)]
    assert pace.wait(b"b", 0.0) == 0.0
    assert [pace.wait(b"a", 0.1), pace.wait(b"a", 0.1)] == [0.0, pytest.approx(0.1)]
    assert [pace.wait(b"a", 0.4) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.1)]


def test_trading_is_stopped_and_released_by_name(service: Service) -> None:
    admin = {"Authorization": f"Bearer {ADMIN}"}
    body = {"issued_by": "ada", "reason": "prices look wrong", "flatten": True}
    service.post(request().to_json())
    killed = service.http.post("/kill", json=body, headers=admin).json()
    assert (killed["stopped"], killed["kill"]["flatten"], killed["open_orders"]) == (
        "protection KILLED: stopped by ada: prices look wrong", True, 0,
    )  # fmt: skip
    (position,) = service.get("/positions").json()
    assert position["quantity"] == "0"
    assert service.post(request("denied").to_json()).json()["status"] == "REJECTED"
    nameless = service.http.post("/release", json={"reason": "x"}, headers=admin)
    assert (nameless.status_code, nameless.json()["errors"][0]["field"]) == (422, "issued_by")
    done = service.http.post("/release", json={"issued_by": "bob", "reason": "checked"}, headers=admin).json()
    assert done["stopped"] is None and done["denials"] == {"KILLED": 1}
    assert [(e["action"], e["issued_by"], e["reason"]) for e in done["audit"]] == [
        ("release", "bob", "checked"), ("kill, flatten", "ada", "prices look wrong"),
    ]  # fmt: skip
    assert service.post(request("taken").to_json()).json()["status"] == "FILLED"
    assert service.http.post("/heartbeat", headers=BEARER).status_code == 204
    assert service.get("/protection", ADMIN).json()["heartbeat_age_seconds"] == 0.0
