"""`python -m agents.serving` as a container runs it: its environment, and an end that finishes what is under way."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest
from typer.testing import CliRunner

from agents.serving.__main__ import app
from agents.serving.child_server import free_port


def complaint(*arguments, **env):
    result = CliRunner().invoke(app, [*arguments], env=env)
    assert "Traceback" not in result.output
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--backend", "oracle"), "there is no backend called 'oracle'; known are forecast, "),
        (("--backend", "record"), "the backend record needs --recordings FILE"),
        (("--backend", "vllm"), "the backend vllm needs --model NAME and --weights"),
        (("--backend", "llama_cpp", "--weights", "x.gguf"), "there is no GGUF file x.gguf"),
        (("--model", "astrology"), "there is no model called 'astrology'; served are "),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, told):
    code, error = complaint(*arguments, "--port", "0")
    assert code == 2
    assert error.startswith(told)
    assert len(error.strip().splitlines()) == 1


def test_a_model_that_cannot_be_loaded_ends_the_server():
    arguments = ("--backend", "vllm", "--model", "m", "--weights", "w", "--vllm-command", "/nowhere/vllm")
    code, error = complaint(*arguments, "--port", "0")
    assert code == 1
    assert error.startswith("vLLM cannot serve w: there is no program /nowhere/vllm here")


def test_help_teaches():
    told = " ".join(CliRunner().invoke(app, ["--help"], terminal_width=200, color=False).output.split())
    for text in ("AIP_HTTP_PORT", "AIP_HEALTH_ROUTE", "AIP_PREDICT_ROUTE", "429", "Lag-Llama", "--record"):
        assert text in told


def test_sigterm_finishes_what_is_under_way():
    port = free_port()
    env = os.environ | {
        "AIP_HTTP_PORT": str(port),
        "AIP_HEALTH_ROUTE": "/ping",
        "AIP_PREDICT_ROUTE": "/v1/predict",
        "SAPPHIRE_MODEL": "smollm2",
        "SAPPHIRE_BACKEND": "llama_cpp",
    }
    options = ("--context-tokens", "1024", "--parallel", "1", "--threads", "1", "--answer-tokens", "24")
    server = subprocess.Popen([sys.executable, "-m", "agents.serving", *options], env=env)
    messages = [{"role": "user", "content": "Tell me a long story."}]
    asked = {"@requestFormat": "chatCompletions", "messages": messages, "temperature": 0}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            status = 0
            while status != 200:
                assert server.poll() is None
                with suppress(httpx.ConnectError):
                    status = client.get("/ping").status_code
            with ThreadPoolExecutor(1) as asking:
                answer = asking.submit(client.post, "/v1/predict", json={"instances": [asked]})
                while "sapphire_predictions_running 1.0" not in client.get("/metrics").text:
                    assert not answer.done()
                server.send_signal(signal.SIGTERM)
                (prediction,) = answer.result().json()["predictions"]
        assert prediction["usage"]["completion_tokens"] == 24
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()
