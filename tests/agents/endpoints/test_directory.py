import pickle
import threading

import pytest
import uvicorn

from agents.endpoints.client import VertexConnection
from agents.endpoints.directory import EndpointMissing, Vertex, VertexUnreachable, find_endpoints
from agents.serving.listening import Listening
from infra.local.vertex.api import create_app
from infra.local.vertex.endpoints import Endpoint, Endpoints
from tests.agents.questions import roster


class NothingDeployed(Endpoint):
    def resource(self, project, location):
        return super().resource(project, location) | {"deployedModels": []}


@pytest.fixture(scope="module")
def vertex():
    endpoints = Endpoints.of(roster())
    for number, name in enumerate(("twin", "twin", "empty")):
        kind = NothingDeployed if name == "empty" else Endpoint
        endpoints._by_id[str(number)] = kind(name, str(number), "momentum")
    with Listening("127.0.0.1", 0) as listening:
        config = uvicorn.Config(create_app(endpoints, "http://127.0.0.1:1"), log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening.socket],))
        thread.start()
        yield Vertex("p-local", "here", listening.url)
        server.should_exit = True
        thread.join()


def test_display_names_are_found_once(vertex):
    found = find_endpoints(vertex, ["deepseek-momentum-endpoint", "qwen-momentum-endpoint"])
    assert list(found) == ["deepseek-momentum-endpoint", "qwen-momentum-endpoint"]
    assert all(name.startswith("projects/p-local/locations/here/endpoints/") for name in found.values())
    connection = VertexConnection(vertex, found)
    assert pickle.loads(pickle.dumps(connection)) == connection


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nobody", "there is no endpoint nobody in projects/p-local/locations/here: deploy it"),
        ("twin", "more than one endpoint twin"),
        ("empty", "the endpoint empty in projects/p-local/locations/here has no model"),
    ],
)
def test_what_cannot_be_asked_is_said_clearly(vertex, name, told):
    with pytest.raises(EndpointMissing, match=told):
        find_endpoints(vertex, [name])


def test_an_address_where_nobody_answers_is_named():
    with pytest.raises(VertexUnreachable, match=r"cannot be listed at http://127\.0\.0\.1:1"):
        find_endpoints(Vertex("p-local", "here", "http://127.0.0.1:1"), ["any"], timeout=5)
