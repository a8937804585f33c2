"""Where an endpoint is asked, by its resource; and what is sent there, and how."""

import json

import google.auth
import pytest
import requests
from google.api_core import exceptions as google_errors
from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform_v1.types import Endpoint
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

from agents.endpoints.addresses import NoAddress, address_of, is_googles
from agents.endpoints.own_hosts import Predictions

NAME = "projects/p/locations/l/endpoints/1"
DEPLOYED = {"id": "7", "displayName": "m"}


def endpoint(**fields):
    told = {"name": NAME, "displayName": "e", "deployedModels": [DEPLOYED]} | fields
    return Endpoint(json_format.ParseDict(told, Endpoint.pb(Endpoint())))


CONNECT = {"enablePrivateServiceConnect": True}


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({}, NAME),
        (
            {"dedicatedEndpointEnabled": True, "dedicatedEndpointDns": "1.l-9.prediction.vertexai.goog"},
            f"https://1.l-9.prediction.vertexai.goog/v1/{NAME}:predict",
        ),
        (
            {
                "privateServiceConnectConfig": CONNECT
                | {"pscAutomationConfigs": [{"projectId": "p", "network": "n", "ipAddress": "10.0.0.7"}]}
            },
            f"https://10.0.0.7/v1/{NAME}:predict",
        ),
        (
            {
                "network": "projects/9/global/networks/n",
                "deployedModels": [
                    DEPLOYED | {"privateEndpoints": {"predictHttpUri": "http://1.ai/v1:predict"}}
                ],
            },
            "http://1.ai/v1:predict",
        ),
    ],
)
def test_the_resource_tells_the_address(fields, address):
    assert address_of(endpoint(**fields), "https", {}) == address


def test_a_given_host_goes_before_one_that_was_made():
    made = CONNECT | {"pscAutomationConfigs": [{"projectId": "p", "network": "n", "ipAddress": "10.0.0.7"}]}
    asked = endpoint(privateServiceConnectConfig=made)
    assert address_of(asked, "https", {"e": "qwen.internal"}) == f"https://qwen.internal/v1/{NAME}:predict"


def test_a_model_that_is_still_being_deployed_has_no_address():
    with pytest.raises(NoAddress, match="its model has no address yet"):
        address_of(endpoint(network="projects/9/global/networks/n"), "https", {})


def test_googles_own_hosts_are_told_by_their_names():
    assert is_googles("https://1.l-9.prediction.vertexai.goog/v1")
    assert is_googles("https://us-central1-aiplatform.googleapis.com/v1")
    assert not is_googles("https://10.0.0.5/v1")
    assert not is_googles("https://googleapis.com.evil.example/v1")


class Token(AnonymousCredentials):
    def before_request(self, request, method, url, headers):
        headers["authorization"] = "Bearer secret"


@pytest.fixture
def sent(monkeypatch):
    """What is sent, and the answers to it."""
    requests_sent, answers = [], []

    def send(self, request, **options):
        requests_sent.append((request, options))
        answer = requests.Response()
        answer.status_code, content = answers.pop(0)
        answer._content, answer.request = content, request
        answer.headers["retry-after"] = "7"
        return answer

    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    return requests_sent, answers


def ask(predictions, address):
    instance = json_format.ParseDict({"a": 1}, Value())
    return predictions.predict(endpoint=address, instances=[instance], retry=None, timeout=2.5)


def test_a_private_host_gets_the_token_by_https_alone(sent, tmp_path):
    requests_sent, answers = sent
    answers += [(200, json.dumps({"predictions": [{"b": 2}], "deployedModelId": "7"}).encode())] * 4
    predictions = Predictions(None, Token())
    answer = ask(predictions, "https://10.0.0.5/v1/x:predict")
    assert json_format.MessageToDict(type(answer).pb(answer)) == {"predictions": [{"b": 2.0}]}
    request, options = requests_sent[0]
    assert json.loads(request.body) == {"instances": [{"a": 1.0}]}
    assert (request.headers["authorization"], options["timeout"], options["verify"]) == (
        "Bearer secret",
        2.5,
        False,
    )
    ask(predictions, "http://1.ai/v1:predict")
    assert "authorization" not in requests_sent[1][0].headers
    ask(predictions, "https://1.prediction.vertexai.goog/v1/x:predict")
    assert requests_sent[2][1]["verify"] is True
    authorities = tmp_path / "ca.pem"
    authorities.write_text("")
    ask(Predictions(None, Token(), authorities), "https://10.0.0.5/v1/x:predict")
    assert requests_sent[3][1]["verify"] == str(authorities)


def test_its_errors_are_those_of_googles_client(sent):
    _, answers = sent
    answers += [(429, b'{"error": {"message": "slowly"}}'), (200, b"<html>"), (200, b"{}")]
    predictions = Predictions(None, Token())
    with pytest.raises(google_errors.TooManyRequests, match="slowly") as busy:
        ask(predictions, "https://10.0.0.5/v1/x:predict")
    assert busy.value.response.headers["retry-after"] == "7"
    for _ in range(2):
        with pytest.raises(json_format.ParseError, match="no predictions in the answer"):
            ask(predictions, "https://10.0.0.5/v1/x:predict")


def test_credentials_are_looked_for_when_they_are_needed(sent, monkeypatch):
    _, answers = sent
    answers.append((200, b'{"predictions": []}'))
    asked = []
    monkeypatch.setattr(google.auth, "default", lambda scopes: (asked.append(scopes) or Token(), "p"))
    predictions = Predictions(None)
    assert asked == []
    ask(predictions, "https://10.0.0.5/v1/x:predict")
    assert asked == [("https://www.googleapis.com/auth/cloud-platform",)]
