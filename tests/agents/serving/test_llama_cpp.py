"""The backend llama_cpp with the real SmolLM2: slow for a test (seconds), and the one that shows a real model answering."""

import json

import pytest

from agents.prompts.prompt import prompt_named
from agents.serving.backend import CannotServe, ModelFailed, UnknownModel, backend_named
from agents.serving.chat import BadInstance
from agents.serving.options import ServerOptions
from tests.agents.questions import question, roster

SCHEMA = {
    "type": "object",
    "properties": {
        "side": {"enum": ["BUY", "HOLD"]},
        "sure": {"type": "integer", "minimum": 1, "maximum": 5},
    },
    "required": ["side", "sure"],
    "additionalProperties": False,
}
ASKED = {
    "@requestFormat": "chatCompletions",
    "messages": [{"role": "user", "content": "Buy or hold?"}],
    "max_tokens": 40.0,
    "temperature": 0.0,
    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}},
}


@pytest.fixture(scope="module")
def smollm2():
    backend = backend_named("llama_cpp", ServerOptions(context_tokens=512, parallel=1, threads=1))
    backend.load()
    yield backend
    backend.close()


def test_an_answer_fits_its_schema(smollm2):
    assert (smollm2.models(), smollm2.runs) == (
        ("smollm2",),
        "SmolLM2-135M-Instruct.Q4_1.gguf on the CPU, by llama.cpp",
    )
    answer = smollm2.predict("smollm2", ASKED)
    said = json.loads(answer["choices"][0]["message"]["content"])
    assert set(said) == {"side", "sure"}
    assert said["side"] in ("BUY", "HOLD") and 1 <= said["sure"] <= 5
    assert answer["model"] == "smollm2"
    usage = answer["usage"]
    assert usage["prompt_tokens"] > 10 and 5 <= usage["completion_tokens"] <= 40
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert smollm2.predict("smollm2", ASKED) == answer


def test_an_answer_is_no_longer_than_it_may_be(smollm2):
    answer = smollm2.predict("smollm2", ASKED | {"max_tokens": 3})
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3


def test_what_cannot_be_answered_is_refused(smollm2):
    nonsense = {"type": "json_schema", "json_schema": {"schema": {"type": "nonsense"}}}
    with pytest.raises(BadInstance, match=r"llama\.cpp refuses the request"):
        smollm2.predict("smollm2", ASKED | {"response_format": nonsense})
    long = prompt_named("decide.1").instance(roster().by_agent["deepseek-v3"], question())
    with pytest.raises(BadInstance, match="exceeds the available context size"):
        smollm2.predict("smollm2", long)
    with pytest.raises(UnknownModel, match="served is smollm2"):
        smollm2.predict("gpt", ASKED)


def test_an_answer_that_takes_too_long_is_broken_off():
    backend = backend_named(
        "llama_cpp", ServerOptions(context_tokens=512, parallel=1, threads=1, answer_seconds=0.0)
    )
    backend.load()
    with pytest.raises(ModelFailed, match="not finished within 0 s"):
        backend.predict("smollm2", ASKED)
    backend.close()


def test_weights_that_are_not_there_are_said(tmp_path):
    with pytest.raises(
        CannotServe, match=r"there is no GGUF file nowhere\.gguf: give --weights a file, or one of"
    ):
        backend_named("llama_cpp", ServerOptions(weights="nowhere.gguf"))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    backend = backend_named("llama_cpp", ServerOptions(weights=str(broken)))
    assert backend.models() == ("broken",)
    assert backend_named("llama_cpp", ServerOptions(weights="smollm2")).models() == ("smollm2",)
    with pytest.raises(CannotServe, match=r"broken\.gguf cannot be loaded"):
        backend.load()
