"""Recorded answers: a file of predictions, each under the model and the hash of what was asked."""

import hashlib
import threading
from pathlib import Path
from typing import IO, Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.serving.backend import CannotServe
from agents.serving.whole_numbers import with_whole_numbers
from contracts.refusals import describe


class Recording(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid")

    model: str
    prompt: str
    prediction: dict[str, Any]


def prompt_hash(instance: object) -> str:
    """Stands for what was asked: 16 hex digits of the instance as JSON, whatever the order of its fields."""
    asked = orjson.dumps(with_whole_numbers(instance), option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(asked, digest_size=8).hexdigest()


class Recordings:
    """The answers by model and prompt."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], dict[str, Any]] = {}

    @classmethod
    def read(cls, path: Path) -> "Recordings":
        """Those of a file; raises `CannotServe`, naming the line that is none or contradicts an earlier one."""
        recordings = cls()
        try:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    recordings._read_line(line, f"{path}, line {number}")
        except OSError as error:
            raise CannotServe(f"the recordings in {path} cannot be read: {error.strerror}") from None
        return recordings

    @property
    def models(self) -> tuple[str, ...]:
        """The models that something was recorded of."""
        return tuple(sorted({model for model, _ in self._answers}))

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, recording: Recording) -> bool:
        """Keep it; False for one that is there already. Raises ValueError when that has another answer."""
        key = recording.model, recording.prompt
        if key in self._answers:
            if self._answers[key] != recording.prediction:
                raise ValueError(f"prompt {recording.prompt} of {recording.model} has two different answers")
            return False
        self._answers[key] = recording.prediction
        return True

    def answer(self, model: str, prompt: str) -> dict[str, Any] | None:
        """What was answered, if it was."""
        return self._answers.get((model, prompt))

    def _read_line(self, line: bytes, where: str) -> None:
        if not line.strip():
            return
        try:
            self.add(Recording.model_validate_json(line))
        except ValidationError as error:
            raise CannotServe(f"{where} is not a recorded answer: {describe(error)}") from None
        except ValueError as error:
            raise CannotServe(f"{where}: {error}") from None


class Recorder:
    """Appends answers to a file; what it has already, it keeps and does not record again."""

    def __init__(self, path: Path) -> None:
        self._known = Recordings.read(path) if path.exists() else Recordings()
        self._lock = threading.Lock()
        self._file: IO[bytes] = _opened(path)

    def record(self, model: str, instance: object, prediction: dict[str, Any]) -> None:
        """Record what the model answered; the first answer to a prompt stands."""
        recording = Recording(model=model, prompt=prompt_hash(instance), prediction=prediction)
        with self._lock:
            if self._known.answer(model, recording.prompt) is None:
                self._known.add(recording)
                self._file.write(orjson.dumps(recording.model_dump()) + b"\n")
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise CannotServe(f"recordings cannot be written to {path}: {error.strerror}") from None
