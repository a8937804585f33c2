"""What a backend can be told when the server starts."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerOptions:
    """One for all backends; each reads what concerns it.

    `model` is the name under which the one model is served, None for a backend that has several. `weights` is a file
    (llama_cpp: GGUF; forecast: a checkpoint), or for vllm a name at the model hub, `adapter` a LoRA adapter for them there.
    `context_tokens`, `answer_tokens` and
    `answer_seconds` bound one answer: prompt and answer together, the answer alone, and the time that it may take.
    `parallel` answers are made at once while `queue` requests wait; `start_seconds` is how long a model may load.
    """

    model: str | None = None
    weights: str | None = None
    adapter: str | None = None
    context_tokens: int = 4_096
    answer_tokens: int = 512
    answer_seconds: float = 60.0
    parallel: int = 2
    queue: int = 8
    threads: int | None = None
    start_seconds: float = 900.0
    stop_seconds: float = 30.0
    recordings: Path | None = None
    vllm_command: str = "vllm"
    vllm_arguments: tuple[str, ...] = ()
