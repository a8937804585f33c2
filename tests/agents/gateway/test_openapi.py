"""The OpenAPI document is true: schemathesis asks every route what the document allows, and what it does not."""

from collections.abc import Callable

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from agents.gateway.app import create_app
from tests.agents.gateway.desk import DeskAtNoon, bearer, insight
from tests.agents.gateway.trading_state import told_by_trading

CHECKS: list[Callable] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, negative_data_rejection, unsupported_method, ignored_auth,
]  # fmt: skip
EXAMPLES = 15

at_noon = DeskAtNoon()
at_noon.view.hashes[at_noon.desk.keys.core_states] = told_by_trading(at_noon.desk.roster)
at_noon.arrive("freqtrade-hft", [insight("a1"), insight("a2")])
app = create_app(at_noon.desk)
ROUTES = [
    (method.upper(), path)
    for path, operations in TestClient(app).get("/openapi.json").json()["paths"].items()
    for method in operations
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_does_what_the_document_says(method: str, path: str) -> None:
    """Both what fits the document and what does not; a body that does not fit is refused, never a 5xx."""
    operation = schemathesis.openapi.from_asgi("/openapi.json", app)[path][method]
    strategies = [operation.as_strategy(generation_mode=GenerationMode.POSITIVE)]
    if operation.body or operation.query:
        strategies.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    headers = bearer("admin" if path == "/controls" else "freqtrade-hft")

    @settings(
        max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=st.one_of(strategies))
    def ask(case: schemathesis.Case) -> None:
        if "wait" in (case.query or {}):
            case.query["wait"] = 0 if isinstance(case.query["wait"], int | float) else case.query["wait"]
        if path == "/messages" and isinstance(case.body, list) and case.body:
            answered_one_by_one(case, headers)
        else:
            case.call_and_validate(headers=headers, checks=CHECKS)

    ask()


def answered_one_by_one(case: schemathesis.Case, headers: dict[str, str]) -> None:
    """Of many messages each has its own answer: one that does not fit is refused in its place, the others go on."""
    checks = [check for check in CHECKS if check is not negative_data_rejection]
    response = case.call_and_validate(headers=headers, checks=checks)
    if response.status_code == 200:
        results = response.json()["results"]
        assert len(results) == len(case.body)
        if case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE:
            assert "refused" in {result["status"] for result in results}


def test_every_route_was_asked() -> None:
    assert len(ROUTES) == 20
