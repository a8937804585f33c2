"""Private endpoints: found and asked where their resources say, and nowhere else; through the desk's own client."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from agents.endpoints.asking import CallFailed
from agents.endpoints.client import VertexConnection
from agents.endpoints.directory import EndpointMissing, Vertex, find_endpoints
from agents.serving.app import create_app as create_model_server
from agents.serving.backend import backend_named
from agents.serving.listening import Listening
from contracts.decisions import CallStatus
from infra.local.vertex.api import create_app
from infra.local.vertex.endpoints import Access, Endpoint, Endpoints
from tests.agents.questions import question, roster

DEEPSEEK, QWEN, LAG_LLAMA = "deepseek-momentum-endpoint", "qwen-momentum-endpoint", "lagllama-degen-endpoint"
ACCESS = {DEEPSEEK: Access.CONNECT, LAG_LLAMA: Access.NETWORK}


@contextmanager
def running(app: FastAPI, *listening: Listening) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, args=([each.socket for each in listening],))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


class NoAddressYet(Endpoint):
    """A private endpoint that nobody has connected."""

    def resource(self, project, location):
        told = super().resource(project, location)
        told["privateServiceConnectConfig"].pop("pscAutomationConfigs")
        told["deployedModels"][0]["privateEndpoints"] = {"serviceAttachment": "projects/g/attachments/a"}
        return told


@pytest.fixture(scope="module")
def hosts():
    """The public URL and the private host of an emulator whose endpoints are of all three kinds."""
    server = create_model_server(backend_named("rule"), "/health", "/predict/{model}")
    with (
        Listening("127.0.0.1", 0) as model,
        Listening("127.0.0.1", 0) as public,
        Listening("127.0.0.1", 0) as private,
        running(server, model),
    ):
        host = private.url.partition("://")[2]
        endpoints = Endpoints.of(roster(), access=ACCESS, private_host=host)
        endpoints._by_id["1"] = NoAddressYet("unconnected", "1", "momentum", access=Access.CONNECT)
        with running(create_app(endpoints, model.url), public, private):
            yield public.url, host


def instance(agent="deepseek-v3"):
    from agents.kinds.kind import kind_named

    profile = roster().by_agent[agent]
    return kind_named(profile.backing.asks).instance(profile, question(agent))


def test_each_is_found_at_its_own_address_and_answers_there(hosts):
    url, private = hosts
    vertex = Vertex("p-local", "here", url)
    found = find_endpoints(vertex, [DEEPSEEK, QWEN, LAG_LLAMA])
    assert found[QWEN].startswith("projects/p-local/locations/here/endpoints/")
    assert found[DEEPSEEK].startswith(f"http://{private}/v1/projects/p-local/locations/here/endpoints/")
    assert found[LAG_LLAMA].startswith(f"http://{private}/v1/models/")
    assert json.loads(json.dumps(found)) == found
    client = VertexConnection(vertex, found, deadline_seconds=30.0).connect()
    for endpoint, agent, model in (
        (DEEPSEEK, "deepseek-v3", "rule:momentum"),
        (QWEN, "qwen-7b", "rule:mean_reversion"),
        (LAG_LLAMA, "lagllama-degen", "forecast:statistical"),
    ):
        (prediction,) = client.begin(endpoint, [instance(agent)]).reply().predictions
        assert prediction["model"] == model


def test_at_vertex_ais_own_host_a_private_endpoint_is_not_to_be_had(hosts):
    url, private = hosts
    vertex = Vertex("p-local", "here", url)
    (address,) = find_endpoints(vertex, [DEEPSEEK]).values()
    resource = address.partition("/v1/")[2].removesuffix(":predict")
    client = VertexConnection(vertex, {DEEPSEEK: resource}, deadline_seconds=30.0).connect()
    (failed,) = client.begin(DEEPSEEK, [instance()]).reply().predictions
    assert isinstance(failed, CallFailed)
    assert failed.status is CallStatus.REFUSED
    assert f"the endpoint {DEEPSEEK} is connect and cannot be asked here" in failed.error
    public = find_endpoints(vertex, [QWEN])[QWEN]
    answer = httpx.post(f"http://{private}/v1/{public}:predict", json={"instances": [{}]})
    assert "is public and cannot be asked here" in answer.json()["error"]["message"]


def test_what_a_private_host_answers_means_the_same(hosts):
    url, private = hosts
    vertex = Vertex("p-local", "here", url)
    unknown = f"http://{private}/v1/models/17:predict"
    client = VertexConnection(
        vertex, {DEEPSEEK: unknown, QWEN: "http://127.0.0.1:1/v1/models/1:predict"}, 30.0, 1
    ).connect()
    (failed,) = client.begin(DEEPSEEK, [instance()]).reply().predictions
    assert (failed.status, "there is no deployed model 17" in failed.error) == (CallStatus.REFUSED, True)
    (failed,) = client.begin(QWEN, [instance()]).reply().predictions
    assert failed.status is CallStatus.UNREACHABLE


def test_a_private_endpoint_without_an_address_is_said_with_the_way_out(hosts):
    vertex = Vertex("p-local", "here", hosts[0])
    with pytest.raises(EndpointMissing) as missing:
        find_endpoints(vertex, ["unconnected"])
    told = str(missing.value)
    assert told.startswith("the endpoint unconnected is private (Private Service Connect) and has no address")
    assert "projects/g/attachments/a" in told
    assert 'SAPPHIRE_ENDPOINT_HOSTS={"unconnected": "10.0.0.5"}' in told
    given = Vertex("p-local", "here", hosts[0], {"unconnected": "10.0.0.9"})
    name = "projects/p-local/locations/here/endpoints/1"
    assert find_endpoints(given, ["unconnected"]) == {"unconnected": f"http://10.0.0.9/v1/{name}:predict"}


def test_a_name_that_is_nobodys_is_refused():
    with pytest.raises(ValueError, match="the roster has no endpoint someone-endpoint"):
        Endpoints.of(roster(), access={"someone-endpoint": Access.CONNECT})


def test_a_model_that_is_served_takes_the_place_of_the_rule():
    endpoints = Endpoints.of(roster(), {"qwen2.5-7b-instruct": "http://gpu:1"})
    at = {each.display_name: (each.model, each.server) for each in endpoints.matching("")}
    assert at[QWEN] == ("qwen2.5-7b-instruct", "http://gpu:1")
    assert at[DEEPSEEK] == ("momentum", None)
