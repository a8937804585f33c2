import json

import httpx
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from agents.serving.listening import Listening
from infra.local.vertex.__main__ import app as command
from infra.local.vertex.api import create_app
from infra.local.vertex.endpoints import Endpoints
from tests.agents.questions import roster

PARENT = "/v1/projects/p-local/locations/here"


@pytest.fixture
def model_server(monkeypatch):
    """What the model server is asked, and what it answers next."""
    asked = []
    script = [httpx.Response(200, json={"predictions": [{"model": "rule:x"}]})]

    async def answer(self, request):
        asked.append((str(request.url.path), request.content))
        outcome = script[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)
    return asked, script


@pytest.fixture
def vertex(model_server):
    with TestClient(create_app(Endpoints.of(roster()), "http://model-server")) as client:
        yield client


def endpoint_id(vertex, name):
    found = vertex.get(f"{PARENT}/endpoints", params={"filter": f'display_name="{name}"'}).json()["endpoints"]
    assert [endpoint["displayName"] for endpoint in found] == [name]
    return found[0]["name"].rpartition("/")[2]


def test_the_rosters_endpoints_are_listed_with_their_models(vertex):
    listed = vertex.get(f"{PARENT}/endpoints").json()["endpoints"]
    assert {endpoint["displayName"]: endpoint["deployedModels"][0]["displayName"] for endpoint in listed} == {
        "deepseek-momentum-endpoint": "momentum",
        "qwen-momentum-endpoint": "mean_reversion",
        "fingpt-alpha-endpoint": "sentiment_neutral",
        "lagllama-degen-endpoint": "volatility",
        "profit-maximizer-endpoint": "allocation",
    }
    assert vertex.get(f"/v1/{listed[0]['name']}").json() == listed[0]


def test_another_filter_is_refused(vertex):
    answer = vertex.get(f"{PARENT}/endpoints", params={"filter": "labels.a=b"})
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_predict_asks_the_deployed_model(vertex, model_server):
    asked, _ = model_server
    number = endpoint_id(vertex, "qwen-momentum-endpoint")
    body = {"instances": [{"a": 1}]}
    answer = vertex.post(f"{PARENT}/endpoints/{number}:predict", json=body).json()
    assert answer["predictions"] == [{"model": "rule:x"}]
    assert answer["modelDisplayName"] == "mean_reversion"
    assert [(path, json.loads(content)) for path, content in asked] == [("/predict/mean_reversion", body)]


def test_raw_predict_passes_the_answer_through(vertex, model_server):
    _, script = model_server
    script[0] = httpx.Response(418, content=b"tea", headers={"content-type": "text/plain"})
    number = endpoint_id(vertex, "qwen-momentum-endpoint")
    answer = vertex.post(f"{PARENT}/endpoints/{number}:rawPredict", content=b"hot")
    assert (answer.status_code, answer.content) == (418, b"tea")


@pytest.mark.parametrize("call", ["", ":predict", ":rawPredict"])
def test_an_unknown_endpoint_is_googles_404(vertex, call):
    answer = vertex.request(
        "POST" if call else "GET", f"{PARENT}/endpoints/17{call}", json={"instances": [{}]}
    )
    told = "The Endpoint does not exist: projects/p-local/locations/here/endpoints/17"
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": 404, "message": told, "status": "NOT_FOUND"}}


@pytest.mark.parametrize(
    ("outcome", "code", "status"),
    [
        (httpx.Response(400, json={"error": "bad instance"}), 400, "INVALID_ARGUMENT"),
        (httpx.Response(429), 429, "RESOURCE_EXHAUSTED"),
        (httpx.Response(500), 500, "INTERNAL"),
        (httpx.Response(200, content=b"<html>"), 500, "INTERNAL"),
        (httpx.ConnectError("refused"), 503, "UNAVAILABLE"),
        (httpx.ReadTimeout("slow"), 504, "DEADLINE_EXCEEDED"),
    ],
)
def test_the_model_servers_failures_look_like_googles(vertex, model_server, outcome, code, status):
    model_server[1][0] = outcome
    number = endpoint_id(vertex, "qwen-momentum-endpoint")
    answer = vertex.post(f"{PARENT}/endpoints/{number}:predict", json={"instances": [{}]})
    assert (answer.status_code, answer.json()["error"]["status"]) == (code, status)


def test_a_port_in_use_is_one_sentence():
    with Listening("127.0.0.1", 0) as taken:
        port = taken.url.rpartition(":")[2]
        result = CliRunner().invoke(command, ["--model-server", "http://m", "--port", port])
    assert result.exit_code == 2
    assert result.stderr == f"port {port} is in use; give another with --port\n"
