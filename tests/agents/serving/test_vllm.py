"""The backend vllm, with a stand-in for vLLM's server: started, asked, watched and stopped as the real one is."""

import json
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from agents.prompts.prompt import prompt_named
from agents.serving import vllm_backend
from agents.serving.app import create_app
from agents.serving.backend import CannotServe, ModelFailed, UnknownModel, backend_named
from agents.serving.options import ServerOptions
from tests.agents.questions import question, roster

STAND_IN = Path(__file__).with_name("openai_server.py")
MODEL = "qwen2.5-7b-instruct"


@pytest.fixture
def vllm(tmp_path):
    """The program `vllm`."""
    program = tmp_path / "vllm"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
    program.chmod(0o755)
    return str(program)


def backend(vllm, weights, **options):
    return backend_named(
        "vllm", ServerOptions(model=MODEL, weights=weights, vllm_command=vllm, stop_seconds=10.0, **options)
    )


def chat(text):
    return {"@requestFormat": "chatCompletions", "messages": [{"role": "user", "content": text}]}


@pytest.fixture
def loaded(vllm, tmp_path):
    weights = f"marked:{tmp_path / 'ended'}"
    served = backend(vllm, weights, answer_tokens=100, vllm_arguments=("--dtype", "bfloat16"))
    served.load()
    yield served
    served.close()


def test_a_chat_passes_through(loaded):
    asked = prompt_named("decide.1").instance(roster().by_agent["qwen-7b"], question("qwen-7b"))
    asked = json.loads(json.dumps(asked), parse_int=float)
    answer = loaded.predict(MODEL, asked)
    assert (answer["model"], answer["usage"]["completion_tokens"]) == (MODEL, 4)
    seen = json.loads(answer["choices"][0]["message"]["content"])
    assert seen["route"] == "/v1/chat/completions"
    assert seen["body"]["max_tokens"] == 100, "512 are asked for, and 100 the most"
    assert seen["body"]["messages"] == asked["messages"]
    assert seen["body"]["response_format"] == asked["response_format"]
    assert "@requestFormat" not in seen["body"]
    longest = seen["body"]["response_format"]["json_schema"]["schema"]["properties"]["rationale"]["maxLength"]
    assert isinstance(longest, int)
    arguments = seen["arguments"]
    assert arguments[:4] == ["serve", arguments[1], "--served-model-name", MODEL]
    assert arguments[arguments.index("--max-model-len") + 1] == "4096"
    assert arguments[-2:] == ["--dtype", "bfloat16"]


def test_an_adapter_is_served_under_the_models_name(vllm):
    served = backend(vllm, "base/model", adapter="some/lora")
    served.load()
    assert served.runs == "base/model with some/lora by vLLM"
    answer = served.predict(MODEL, chat("hello"))
    served.close()
    arguments = json.loads(answer["choices"][0]["message"]["content"])["arguments"]
    assert arguments[:2] == ["serve", "base/model"]
    assert arguments[arguments.index("--lora-modules") + 1] == f"{MODEL}=some/lora"
    assert "--served-model-name" not in arguments


def test_it_is_started_once(loaded):
    with pytest.raises(CannotServe, match="was started already"):
        loaded.load()


def test_what_vllm_refuses_is_a_400_and_what_it_fails_at_a_503(vllm):
    with TestClient(create_app(backend(vllm, "some/model"), "/health", "/predict", MODEL)) as client:
        while client.get("/health").status_code != 200:
            pass
        long = client.post("/predict", json={"instances": [chat("too long")]})
        assert (long.status_code, long.json()["error"]) == (
            400,
            "vLLM refuses the request: maximum context length",
        )
        failed = client.post("/predict", json={"instances": [chat("out of memory")]})
        assert (failed.status_code, failed.json()["error"]) == (503, "vLLM answered 500: CUDA out of memory")


def test_a_server_that_died_is_told_by_health(loaded):
    assert loaded.failed is None
    with pytest.raises(ModelFailed):
        loaded.predict(MODEL, chat("die"))
    while loaded.failed is None:
        pass
    assert "ended with code 3; it said last: RuntimeError: the engine died" in loaded.failed


def test_it_is_asked_to_end(vllm, tmp_path):
    mark = tmp_path / "ended"
    served = backend(vllm, f"marked:{mark}")
    served.load()
    served.close()
    assert mark.read_text() == "asked to end"
    assert served.failed is None
    served.close()


def test_without_a_gpu_it_says_so(vllm, monkeypatch):
    monkeypatch.setattr(vllm_backend, "_GPU", Path("/nowhere/nvidiactl"))
    with pytest.raises(CannotServe) as told:
        backend(vllm, "no-gpu").load()
    assert str(told.value).startswith("vLLM cannot serve no-gpu: ")
    assert "ended with code 1; it said last: RuntimeError: Failed to infer device type; no NVIDIA GPU" in str(
        told.value
    )


def test_what_never_gets_ready_is_given_up(vllm):
    served = backend(vllm, "slow", start_seconds=0.3)
    with pytest.raises(CannotServe, match=r"was not ready within 0\.3 s"):
        served.load()
    served.close()


def test_without_vllm_it_says_so(tmp_path):
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"\x7fELF")
    damaged.chmod(0o755)
    with pytest.raises(CannotServe, match="damaged cannot be run: Exec format error"):
        backend(str(damaged), "some/model").load()
    with pytest.raises(CannotServe, match="there is no program /nowhere/vllm here"):
        backend("/nowhere/vllm", "some/model").load()
    with pytest.raises(CannotServe, match="needs --model NAME and --weights"):
        backend_named("vllm")
    with pytest.raises(UnknownModel):
        backend("/nowhere/vllm", "some/model").predict("other", chat("hello"))
