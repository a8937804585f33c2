"""Readiness: a backend loads in a thread of its own, and until it has, nobody is sent to it."""

import threading
from collections.abc import Callable
from enum import StrEnum

from agents.serving.backend import Backend, CannotServe


class Stage(StrEnum):
    """How far a backend is."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class Readiness:
    """One backend's. `on_failure` is called once, from whatever thread, with why it will never be ready any more."""

    def __init__(self, backend: Backend, on_failure: Callable[[str], None] | None = None) -> None:
        self._backend = backend
        self._on_failure = on_failure
        self._loaded = not backend.needs_loading
        self._error: str | None = None
        self._thread: threading.Thread | None = None
        self._told = False

    @property
    def stage(self) -> Stage:
        """Where it stands now."""
        if self.error is not None:
            return Stage.FAILED
        return Stage.READY if self._loaded else Stage.LOADING

    @property
    def error(self) -> str | None:
        """Why it failed, at loading or since."""
        return self._error or self._backend.failed

    def begin(self) -> None:
        """Begin to load, if there is something to load."""
        if not self._loaded and self._thread is None:
            self._thread = threading.Thread(target=self._load, name="load-model", daemon=True)
            self._thread.start()

    def tell_failure(self) -> None:
        """Call `on_failure` if it failed and that was not told yet: a backend can break long after it had loaded."""
        error = self.error
        if error is not None and not self._told and self._on_failure is not None:
            self._told = True
            self._on_failure(error)

    def end(self) -> None:
        """Close the backend, which makes a loading one give up."""
        self._backend.close()
        if self._thread is not None:
            self._thread.join()

    def _load(self) -> None:
        try:
            self._backend.load()
        except CannotServe as error:
            self._error = str(error)
            self.tell_failure()
        else:
            self._loaded = True
