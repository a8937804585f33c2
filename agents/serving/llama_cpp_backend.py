"""The backend `llama_cpp`: a GGUF model on the CPU, whose answers are held to their JSON schema by a grammar."""

import threading
import time
from collections.abc import Callable
from typing import Any

from agents.serving.backend import Backend, CannotServe, ModelFailed, UnknownModel, register
from agents.serving.chat import BadInstance, completion, openai_body
from agents.serving.gguf import PACKAGED, gguf_file
from agents.serving.options import ServerOptions

DEFAULT = "smollm2"
_QUIET = -1


@register("llama_cpp")
class LlamaCppBackend(Backend):
    """Answers chats through xllamacpp, `options.parallel` at a time, each with a share of its own of the context.

    An answer is at most `options.answer_tokens` long and is broken off, as failed, after `options.answer_seconds`. What
    successive prompts of one agent begin with is evaluated once: each slot keeps its last prompt.
    """

    needs_loading = True
    most_instances = 4

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        weights = options.weights or DEFAULT
        self._file = gguf_file(weights)
        self._model = options.model or (weights if weights in PACKAGED else self._file.stem)
        self._server: Any = None
        self._closing = threading.Event()
        self.parallel = options.parallel

    @property
    def runs(self) -> str:
        return f"{self._file.name} on the CPU, by llama.cpp"

    def models(self) -> tuple[str, ...]:
        return (self._model,)

    def load(self) -> None:
        try:
            import xllamacpp
        except ImportError:
            raise CannotServe(
                "xllamacpp is not installed: pip install 'sapphire-desk[llm]' brings it"
            ) from None
        params = xllamacpp.CommonParams()
        params.model.path = str(self._file)
        params.n_parallel = self._options.parallel
        params.n_ctx = self._options.context_tokens * self._options.parallel
        params.verbosity = _QUIET
        if self._options.threads is not None:
            params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._options.threads
        # Without a pause between two parts of the work its threads would spin, at the cost of everybody beside them.
        params.cpuparams.poll = params.cpuparams_batch.poll = 0
        try:
            self._server = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise CannotServe(f"{self._file} cannot be loaded: {error}") from None

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        if model != self._model:
            raise UnknownModel(f"there is no model called {model!r}; served is {self._model}")
        body = openai_body(instance, self._options.answer_tokens)
        answer = _Answer(self._gives_up(time.monotonic() + self._options.answer_seconds))
        asked = body | {"stream": True, "stream_options": {"include_usage": True}, "cache_prompt": True}
        try:
            self._server.handle_chat_completions(asked, answer.take)
        except ValueError as error:  # a schema that no grammar can be made of, a message without content
            raise BadInstance(f"llama.cpp refuses the request: {error}") from None
        return answer.completion(self._model, self._options.answer_seconds)

    def close(self) -> None:
        self._closing.set()
        self._server = None

    def _gives_up(self, ends: float) -> Callable[[], bool]:
        return lambda: self._closing.is_set() or time.monotonic() > ends


class _Answer:
    """Gathers an answer that comes in pieces; `gives_up` says when the rest is not wanted any more."""

    def __init__(self, gives_up: Callable[[], bool]) -> None:
        self._gives_up = gives_up
        self._pieces: list[str] = []
        self._usage: dict[str, int] = {}
        self._finished = ""
        self._error: dict[str, Any] | None = None
        self._broken_off = False

    def take(self, chunk: dict[str, Any]) -> bool:
        """Keep one piece; True ends the answer."""
        if "error" in chunk:
            self._error = chunk["error"]
            return True
        for choice in chunk.get("choices", ()):
            self._pieces.append(choice["delta"].get("content") or "")
            self._finished = choice.get("finish_reason") or self._finished
        self._usage = chunk.get("usage") or self._usage
        self._broken_off = not self._finished and self._gives_up()
        return self._broken_off

    def completion(self, model: str, seconds: float) -> dict[str, Any]:
        """The whole answer; raises `BadInstance` for a request that is refused, `ModelFailed` for half an answer."""
        if self._error is not None:
            kind = BadInstance if self._error.get("code") == 400 else ModelFailed
            raise kind(f"llama.cpp: {self._error.get('message', 'no answer')}")
        if self._broken_off or not self._finished:
            raise ModelFailed(f"the answer was not finished within {seconds:g} s")
        tokens_in, tokens_out = (self._usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens"))
        return completion(model, "".join(self._pieces), tokens_in, tokens_out, self._finished)
