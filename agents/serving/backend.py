"""What answers inside the model server: backends, registered by name."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from agents.serving.options import ServerOptions


class UnknownBackend(LookupError):
    """No backend has that name; the text lists those that there are."""


class UnknownModel(LookupError):
    """The backend does not serve that model; the text lists those that it does (HTTP 404)."""


class Unrecorded(LookupError):
    """Nothing was recorded for that question (HTTP 404)."""


class Busy(RuntimeError):
    """So many wait already that another would only wait in vain (HTTP 429, with Retry-After)."""


class ModelFailed(RuntimeError):
    """The model gave no answer, or took too long for one; the text says which (HTTP 503)."""


class CannotServe(RuntimeError):
    """The backend cannot do its work here; the text names what is missing and how to get it."""


class Backend(ABC):
    """Answers instances with one of the models that it serves.

    The server calls `load` once, in a thread of its own, and says that it is not ready until that returned; then
    `predict` from up to `parallel` threads (None: from as many as there are requests); and in the end `close`.
    """

    needs_loading: bool = False
    most_instances: int = 128
    parallel: int | None = None

    @property
    @abstractmethod
    def runs(self) -> str:
        """What runs here, in a few words: a health check tells it."""

    @abstractmethod
    def models(self) -> tuple[str, ...]:
        """The models that it serves, by name; known before it has loaded."""

    @abstractmethod
    def predict(self, model: str, instance: object) -> dict[str, Any]:
        """The prediction for one instance.

        Raises `chat.BadInstance`, `UnknownModel`, `Unrecorded` or `ModelFailed`.
        """

    def load(self) -> None:  # noqa: B027  # most have nothing to load
        """Load the model, which may take minutes; raises `CannotServe`."""

    @property
    def failed(self) -> str | None:
        """Why it cannot answer any more, when it broke after it had loaded; else None."""
        return None

    def close(self) -> None:  # noqa: B027
        """End what it runs; no request is under way any more."""


Kind = TypeVar("Kind", bound=Callable[[ServerOptions], Backend])

_BACKENDS: dict[str, Callable[[ServerOptions], Backend]] = {}


def register(name: str) -> Callable[[Kind], Kind]:
    """Make what is decorated (called with the server's options when it starts) the backend called `name`."""

    def registered(kind: Kind) -> Kind:
        _BACKENDS[name] = kind
        return kind

    return registered


def backend_named(name: str, options: ServerOptions | None = None) -> Backend:
    """A new backend of the kind called `name`; raises `UnknownBackend`, or `CannotServe` for what is seen at once."""
    # Importing is registering; a backend imports what it runs on only when it loads.
    from agents.serving import forecast_backend as forecast_backend
    from agents.serving import llama_cpp_backend as llama_cpp_backend
    from agents.serving import record_backend as record_backend
    from agents.serving import rule_backend as rule_backend
    from agents.serving import vllm_backend as vllm_backend

    if name not in _BACKENDS:
        raise UnknownBackend(f"there is no backend called {name!r}; known are {', '.join(sorted(_BACKENDS))}")
    return _BACKENDS[name](options or ServerOptions())
