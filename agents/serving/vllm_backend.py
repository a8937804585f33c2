"""The backend `vllm`: vLLM's OpenAI server on a GPU, as a child of this server, which gives it Vertex AI's contract."""

from pathlib import Path
from typing import Any

import httpx

from agents.serving.backend import Backend, CannotServe, ModelFailed, UnknownModel, register
from agents.serving.chat import BadInstance, openai_body
from agents.serving.child_server import HOST, ChildServer, free_port
from agents.serving.options import ServerOptions

_ROUTE = "/v1/chat/completions"
_GPU = Path("/dev/nvidiactl")


@register("vllm")
class VllmBackend(Backend):
    """Serves `options.weights` (a name at the model hub, or a folder) under the name `options.model`.

    vLLM batches what comes together by itself, so up to `options.parallel` x 16 requests are passed on at once. The
    container has to have vLLM and its GPU (infra/docker/model-server); what is missing is said when it starts.
    """

    needs_loading = True
    most_instances = 16

    def __init__(self, options: ServerOptions) -> None:
        if options.weights is None or options.model is None:
            raise CannotServe(
                "the backend vllm needs --model NAME and --weights, as in --weights Qwen/Qwen2.5-7B-Instruct"
            )
        self._options = options
        self._model = options.model
        self.parallel = options.parallel * 16
        port = free_port()
        self._child = ChildServer(_command(options, port), port, options.stop_seconds)

    @property
    def runs(self) -> str:
        adapter = f" with {self._options.adapter}" if self._options.adapter else ""
        return f"{self._options.weights}{adapter} by vLLM"

    @property
    def failed(self) -> str | None:
        return self._child.ended

    def models(self) -> tuple[str, ...]:
        return (self._model,)

    def load(self) -> None:
        try:
            self._child.start(self._options.start_seconds)
        except CannotServe as error:
            raise CannotServe(f"vLLM cannot serve {self._options.weights}: {error}{_hints()}") from None

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        if model != self._model:
            raise UnknownModel(f"there is no model called {model!r}; served is {self._model}")
        body = openai_body(instance, self._options.answer_tokens) | {"model": self._model}
        answer = self._child.post(_ROUTE, body, self._options.answer_seconds)
        if answer.is_client_error:
            raise BadInstance(f"vLLM refuses the request: {_told(answer)}")
        if answer.is_error:
            raise ModelFailed(f"vLLM answered {answer.status_code}: {_told(answer)}")
        try:
            completion = answer.json()
        except ValueError:
            raise ModelFailed("vLLM's answer is not JSON") from None
        if not isinstance(completion, dict):
            raise ModelFailed("vLLM's answer is not a chat completion")
        return completion

    def close(self) -> None:
        self._child.stop()


def _command(options: ServerOptions, port: int) -> list[str]:
    # With an adapter the name is the adapter's, and the weights alone are served under their own.
    named = (
        ["--served-model-name", str(options.model)]
        if options.adapter is None
        else [
            "--enable-lora",
            "--max-lora-rank",
            "64",
            "--lora-modules",
            f"{options.model}={options.adapter}",
        ]
    )
    return [
        options.vllm_command,
        "serve",
        str(options.weights),
        *named,
        "--host",
        HOST,
        "--port",
        str(port),
        "--max-model-len",
        str(options.context_tokens),
        "--enable-prefix-caching",
        *options.vllm_arguments,
    ]


def _hints() -> str:
    """What is most likely missing."""
    if not _GPU.exists():
        return "; no NVIDIA GPU is to be seen here: the image infra/docker/model-server/gpu.Dockerfile on a GPU has both"
    return ""


def _told(answer: httpx.Response) -> str:
    """The words of vLLM itself."""
    try:
        error = answer.json()
        told = error.get("error", error)
        return str(told.get("message", told) if isinstance(told, dict) else told)[:500]
    except (ValueError, AttributeError):
        return answer.text[:500]
