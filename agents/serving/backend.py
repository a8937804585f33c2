"""What answers inside the model server: backends, registered by name."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class UnknownBackend(LookupError):
    """No backend has that name; the text lists those that there are."""


class UnknownModel(LookupError):
    """The backend does not serve that model; the text lists those that it does (HTTP 404)."""


class Backend(Protocol):
    """Answers instances with one of the models that it serves."""

    def predict(self, model: str, instance: object) -> dict[str, Any]:
        """The prediction for one instance; raises `chat.BadInstance` or `UnknownModel`."""
        ...

    def models(self) -> tuple[str, ...]:
        """The models that it serves, by name."""
        ...


Kind = TypeVar("Kind", bound=Callable[[], Backend])

_BACKENDS: dict[str, Callable[[], Backend]] = {}


def register(name: str) -> Callable[[Kind], Kind]:
    """Make what is decorated (called without arguments when the server starts) the backend called `name`."""

    def registered(kind: Kind) -> Kind:
        _BACKENDS[name] = kind
        return kind

    return registered


def backend_named(name: str) -> Backend:
    """A new backend of the kind called `name`; raises `UnknownBackend`."""
    # Importing is registering; a backend imports what it runs on only when it is made.
    from agents.serving import forecast_backend as forecast_backend
    from agents.serving import rule_backend as rule_backend

    if name not in _BACKENDS:
        raise UnknownBackend(f"there is no backend called {name!r}; known are {', '.join(sorted(_BACKENDS))}")
    return _BACKENDS[name]()
