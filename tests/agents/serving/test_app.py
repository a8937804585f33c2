import json

import pytest
from fastapi.testclient import TestClient

from agents.answers import read_answer
from agents.prompts.prompt import prompt_named
from agents.serving.app import create_app
from agents.serving.backend import UnknownBackend, UnknownModel, backend_named
from contracts.payloads import Side
from tests.agents.questions import question, roster


@pytest.fixture
def server():
    return TestClient(create_app(backend_named("rule"), "/health", "/predict/{model}"))


def instance():
    return prompt_named("decide.1").instance(roster().by_agent["deepseek-v3"], question())


def test_health_lists_the_models(server):
    assert "momentum" in server.get("/health").json()["models"]


def test_instances_in_predictions_out(server):
    answer = server.post("/predict/momentum", json={"instances": [instance(), instance()]})
    first, second = answer.json()["predictions"]
    assert first == second
    assert first["model"] == "rule:momentum"
    assert first["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    opinion = read_answer(first["choices"][0]["message"]["content"], question())
    assert opinion.side is Side.BUY


def test_a_container_of_its_own_serves_one_model():
    server = TestClient(create_app(backend_named("rule"), "/ping", "/predict", "momentum"))
    assert server.get("/ping").status_code == 200
    answer = server.post("/predict", json={"instances": [instance()]})
    assert answer.json()["predictions"][0]["model"] == "rule:momentum"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"instances": []}, "instances"),
        ({}, "instances"),
        ({"instances": [{"prompt": "buy?"}]}, "not a chat-completion instance"),
        ({"instances": [instance() | {"messages": []}]}, "messages"),
        ({"instances": [instance() | {"messages": [{"role": "user", "content": "Well?"}]}]}, "one JSON part"),
        (
            {
                "instances": [
                    instance() | {"messages": [{"role": "user", "content": '{"market":{"symbol":"B"}}'}]}
                ]
            },
            "the market cannot be read: price",
        ),
    ],
)
def test_a_bad_instance_is_a_400_that_says_why(server, body, told):
    answer = server.post("/predict/momentum", json=body)
    assert (answer.status_code, told in answer.json()["error"]) == (400, True), answer.text


def test_an_unknown_model_is_a_404(server):
    answer = server.post("/predict/astrology", json={"instances": [instance()]})
    assert answer.status_code == 404
    assert "there is no rule called 'astrology'" in answer.json()["error"]


def test_what_cannot_be_served_is_said_at_start():
    with pytest.raises(UnknownBackend, match="known are forecast, llama_cpp, record, rule, vllm"):
        backend_named("oracle")
    with pytest.raises(UnknownModel, match="served are"):
        create_app(backend_named("rule"), "/health", "/predict", "astrology")
    with pytest.raises(ValueError, match="name the"):
        create_app(backend_named("rule"), "/health", "/predict")


def test_equal_questions_make_equal_prompts_that_name_their_version():
    prompt = prompt_named("decide.1")
    assert prompt.id == prompt_named("decide.1").id
    assert prompt.id.startswith("decide.1-") and len(prompt.id) == len("decide.1-") + 8
    made = instance()
    assert json.dumps(made) == json.dumps(instance())
    assert "You are deepseek-v3, the momentum trader" in made["messages"][0]["content"]
    document = json.loads(made["messages"][1]["content"][1]["text"])
    assert document["market"]["closes"][-1] == float(question().price)
