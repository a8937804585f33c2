"""`sapphire endpoint` against the Vertex emulator, through aiplatform's own clients."""

import json
import re
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvicorn

from agents.serving.listening import Listening
from infra.local.vertex.api import create_app
from infra.local.vertex.endpoints import Endpoints
from tests.infra.cli.conftest import Sapphire

QWEN, LAG_LLAMA = "qwen-momentum-endpoint", "lagllama-degen-endpoint"
NETWORK = "projects/123/global/networks/desk"
PARENT = "projects/p-local/locations/us-central1"


@pytest.fixture
def vertex(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty project."""
    with Listening("127.0.0.1", 0) as listening:
        app = create_app(Endpoints([], "127.0.0.1:9"), "http://127.0.0.1:1")
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening.socket],))
        thread.start()
        monkeypatch.setenv("SAPPHIRE_VERTEX_URL", listening.url)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p-local")
        yield listening.url
        server.should_exit = True
        thread.join()


@pytest.fixture
def deploy(sapphire: Sapphire, vertex: str) -> Callable[..., tuple[int, str, str]]:
    return lambda *arguments: sapphire("endpoint", "deploy", *arguments, "--image", "registry/model-server:1")


def endpoints(vertex: str) -> list[dict]:
    return httpx.get(f"{vertex}/v1/{PARENT}/endpoints").json()["endpoints"]


def test_deployed_is_what_the_catalogue_says_on_a_gpu(
    deploy: Callable[..., tuple[int, str, str]], sapphire: Sapphire, vertex: str
) -> None:
    code, told, _ = deploy(QWEN, "--yes")
    assert code == 0
    assert "about 620.50 USD a month as long as it is deployed" in told
    assert "2026-11-24" in told
    (made,) = endpoints(vertex)
    assert made["displayName"] == QWEN
    (model,) = made["deployedModels"]
    assert model["displayName"] == "qwen2.5-7b-instruct"
    assert model["dedicatedResources"]["machineSpec"] == {
        "machineType": "g2-standard-4",
        "acceleratorType": 11,  # NVIDIA_L4: Google's clients send the numbers of enums
        "acceleratorCount": 1,
    }
    code, told, _ = sapphire("endpoint", "list")
    assert re.search(rf"{QWEN} +public +qwen2.5-7b-instruct +g2-standard-4 +1", told)
    code, _, error = deploy(QWEN, "--yes")
    assert (code, error) == (
        2,
        f"sapphire: {QWEN} has a model already (qwen2.5-7b-instruct): undeploy it first\n",
    )
    code, told, _ = sapphire("endpoint", "undeploy", QWEN, "--yes")
    assert (code, endpoints(vertex)) == (0, [])


def test_a_dry_run_tells_every_call_and_makes_none(
    deploy: Callable[..., tuple[int, str, str]], vertex: str
) -> None:
    code, told, _ = deploy(QWEN, "--dry-run", "--access", "connect", "--network", NETWORK)
    assert (code, endpoints(vertex)) == (0, [])
    calls = re.findall(r"^\d\. (\S+)\n(\{.*?^\})", told, re.MULTILINE | re.DOTALL)
    made = {name: json.loads(body) for name, body in calls}
    assert list(made) == ["models.upload", "endpoints.create", "endpoints.deployModel"]
    container = made["models.upload"]["model"]["containerSpec"]
    assert container["imageUri"] == "registry/model-server:1"
    assert (container["healthRoute"], container["predictRoute"]) == ("/health", "/predict")
    assert {"name": "SAPPHIRE_WEIGHTS", "value": "Qwen/Qwen2.5-7B-Instruct"} in container["env"]
    assert made["endpoints.create"]["endpoint"]["privateServiceConnectConfig"] == {
        "enablePrivateServiceConnect": True,
        "projectAllowlist": ["p-local"],
        "pscAutomationConfigs": [{"projectId": "p-local", "network": NETWORK}],
    }
    deployed = made["endpoints.deployModel"]["deployedModel"]
    assert deployed["dedicatedResources"]["minReplicaCount"] == 1
    assert "about 627.80 USD" in told


@pytest.mark.parametrize(
    ("access", "found"), [("connect", "privateServiceConnectConfig"), ("network", "network")]
)
def test_private_endpoints_are_made_private(
    deploy: Callable[..., tuple[int, str, str]], vertex: str, access: str, found: str
) -> None:
    assert deploy(LAG_LLAMA, "--yes", "--access", access, "--network", NETWORK)[0] == 0
    (made,) = endpoints(vertex)
    assert found in made
    assert made["deployedModels"][0]["dedicatedResources"]["machineSpec"] == {"machineType": "n1-standard-4"}


def test_an_endpoint_that_was_kept_is_used_again(
    deploy: Callable[..., tuple[int, str, str]], sapphire: Sapphire, vertex: str
) -> None:
    assert deploy(QWEN, "--yes")[0] == 0
    assert sapphire("endpoint", "undeploy", QWEN, "--yes", "--keep-endpoint")[0] == 0
    assert [each.get("deployedModels") for each in endpoints(vertex)] == [None]
    assert re.search(rf"{QWEN} +public +- ", sapphire("endpoint", "list")[1])
    code, told, _ = deploy(QWEN, "--dry-run")
    assert "endpoints.create" not in told
    code, _, error = deploy(QWEN, "--yes", "--access", "network", "--network", NETWORK)
    assert (code, "is there already and public, not network" in error) == (2, True)
    assert deploy(QWEN, "--yes")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("gpt-endpoint",), "there is no endpoint gpt-endpoint: choose from deepseek-momentum-endpoint, "),
        ((QWEN, "--machine", "tpu"), "there is no machine tpu: choose from l4, cpu"),
        ((QWEN, "--machine", "cpu"), "qwen-momentum-endpoint needs a GPU, and the machine cpu has none"),
        (
            (QWEN, "--access", "secret"),
            "there is no access secret: choose from public, dedicated, connect, network",
        ),
        ((QWEN, "--access", "network"), "access network needs a network: --network projects/NUMBER/"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    deploy: Callable[..., tuple[int, str, str]], vertex: str, arguments: tuple[str, ...], told: str
) -> None:
    code, _, error = deploy(*arguments, "--yes")
    assert (code, error.startswith(f"sapphire: {told}")) == (2, True), error
    assert len(error.strip().splitlines()) == 1
    assert endpoints(vertex) == []


def test_nothing_is_made_without_a_yes(
    deploy: Callable[..., tuple[int, str, str]], vertex: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.confirm", lambda question: False)
    code, told, _ = deploy(QWEN)
    assert (code, endpoints(vertex)) == (1, [])
    assert "620.50" in told


def test_an_unknown_endpoint_cannot_be_undeployed(sapphire: Sapphire, vertex: str) -> None:
    code, _, error = sapphire("endpoint", "undeploy", QWEN, "--yes")
    assert (code, error) == (2, f"sapphire: there is no endpoint {QWEN} in {PARENT}\n")


def test_where_nobody_answers_is_one_sentence(
    sapphire: Sapphire, vertex: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAPPHIRE_VERTEX_URL", "http://127.0.0.1:1")
    code, _, error = sapphire("endpoint", "list")
    assert code == 2
    assert error.startswith("sapphire: http://127.0.0.1:1: ")


def test_cost_adds_up_the_catalogue(sapphire: Sapphire) -> None:
    code, told, _ = sapphire("endpoint", "cost")
    assert code == 0
    assert re.search(r"lagllama-degen-endpoint +n1-standard-4 +160\.60", told)
    assert re.search(r"all +2,642\.60", told)
