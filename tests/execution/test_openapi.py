"""The OpenAPI document is true: schemathesis asks every route what the document allows, and what it does not."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from execution.service.bounds import Bounds
from tests.execution.test_service import ADMIN, READ, TOKEN, Service
from tests.execution.trading_floor import Floor

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, negative_data_rejection, unsupported_method,
]  # fmt: skip
TOKENS = {"/kill": ADMIN, "/release": ADMIN, "/protection": ADMIN}
ROUTES = [
    ("POST", "/orders"), ("GET", "/orders"), ("GET", "/orders/{client_order_id}"), ("GET", "/positions"),
    ("POST", "/kill"), ("POST", "/release"), ("GET", "/protection"), ("POST", "/heartbeat"), ("GET", "/healthz"),
    ("GET", "/readyz"),
]  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    floor = Floor(tmp_path_factory.mktemp("openapi")).open()
    yield Service(floor, bounds=Bounds(per_second=1e6, burst=1_000_000))
    floor.ledger.close()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_does_what_the_document_says(service: Service, method: str, path: str) -> None:
    document = schemathesis.openapi.from_asgi("/openapi.json", service.app)
    operation = document[path][method]
    modes = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        if method == "POST" and path not in ("/heartbeat",)
        else operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
    )
    token = TOKENS.get(path, TOKEN if method == "POST" else READ)

    @settings(
        max_examples=15, deadline=None, phases=[Phase.generate], database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=modes)
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    ask()


def test_the_routes_are_all_asked(service: Service) -> None:
    document = service.http.get("/openapi.json").json()
    found = {
        (method.upper(), path) for path, operations in document["paths"].items() for method in operations
    }
    assert found == set(ROUTES)
