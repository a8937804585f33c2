"""The backend `record`: replays recorded answers; and the way to make recordings of any other backend."""

from typing import Any

from agents.serving.backend import Backend, CannotServe, UnknownModel, Unrecorded, register
from agents.serving.options import ServerOptions
from agents.serving.recordings import Recorder, Recordings, prompt_hash


@register("record")
class RecordBackend(Backend):
    """Answers what was asked before, word for word; a question that was not is refused, never guessed at."""

    def __init__(self, options: ServerOptions) -> None:
        if options.recordings is None:
            raise CannotServe(
                "the backend record needs --recordings FILE, made with --record FILE beside another"
            )
        self._recordings = Recordings.read(options.recordings)
        self._file = options.recordings

    @property
    def runs(self) -> str:
        return f"{len(self._recordings)} recorded answers of {self._file}"

    def models(self) -> tuple[str, ...]:
        return self._recordings.models

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        if model not in self._recordings.models:
            served = ", ".join(self._recordings.models) or "none"
            raise UnknownModel(f"nothing is recorded of a model called {model!r}; recorded are {served}")
        prompt = prompt_hash(instance)
        answer = self._recordings.answer(model, prompt)
        if answer is None:
            raise Unrecorded(
                f"no answer of {model} to prompt {prompt} is in {self._file}: record it with --record"
            )
        return answer


class Recorded(Backend):
    """Another backend, with everything that it answers recorded."""

    def __init__(self, backend: Backend, recorder: Recorder) -> None:
        self._backend = backend
        self._recorder = recorder
        self.needs_loading = backend.needs_loading
        self.most_instances = backend.most_instances
        self.parallel = backend.parallel

    @property
    def runs(self) -> str:
        return f"{self._backend.runs}, recorded"

    @property
    def failed(self) -> str | None:
        return self._backend.failed

    def models(self) -> tuple[str, ...]:
        return self._backend.models()

    def load(self) -> None:
        self._backend.load()

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        prediction = self._backend.predict(model, instance)
        self._recorder.record(model, instance, prediction)
        return prediction

    def close(self) -> None:
        self._backend.close()
        self._recorder.close()
