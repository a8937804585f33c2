"""Where the parts of the stack listen: defaults, the user's own choice, and whether they are free."""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

from infra.local.errors import StackError

HOST = "127.0.0.1"


class PortError(StackError):
    """A port is unknown, unusable or in use."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One port a listener; 0 is a free one, chosen when the stack starts."""

    execution: int = 8080
    gateway: int = 8081
    pubsub: int = 8085
    pubsub_stats: int = 8086
    identity: int = 8087
    vertex: int = 8088
    model_server: int = 8089
    language_model: int = 8090
    redis: int = 6390
    bigquery: int = 9050
    bigquery_storage: int = 9060

    @classmethod
    def chosen(cls, choices: Iterable[str], any_free: bool = False) -> Self:
        """The ports from `NAME=NUMBER` choices; with `any_free` all others are free ones.

        Raises `PortError` for a name or a number that cannot be.
        """
        ports = cls(**dict.fromkeys(cls.names(), 0)) if any_free else cls()
        for choice in choices:
            name, _, number = choice.partition("=")
            if name not in cls.names():
                raise PortError(f"there is no port named {name!r}; the ports are {', '.join(cls.names())}")
            if not number.isdecimal() or int(number) > 65_535:
                raise PortError(f"--port {choice}: give a number from 0 to 65535, as in --port {name}=8080")
            ports = replace(ports, **{name: int(number)})
        return ports

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names that a port can be chosen by."""
        return tuple(cls.__dataclass_fields__)

    def settled(self, unused: Iterable[str] = ()) -> Self:
        """The ports with every 0 replaced by a free one; raises `PortError` for one in use or given twice.

        `unused` names listeners that this run does not start, whose ports therefore do not matter.
        """
        wanted = {name: port for name, port in asdict(self).items() if name not in set(unused)}
        _refuse_twins(wanted)
        held: list[socket.socket] = []
        settled: dict[str, int] = {}
        try:
            # All are held until the last is known, so that no two free ones are the same.
            for name, port in sorted(wanted.items(), key=lambda item: item[1] == 0):
                held.append(_listener(name, port))
                settled[name] = held[-1].getsockname()[1]
        finally:
            for listener in held:
                listener.close()
        return replace(self, **settled)


def _refuse_twins(wanted: Mapping[str, int]) -> None:
    users: dict[int, str] = {}
    for name, port in wanted.items():
        if port and port in users:
            raise PortError(
                f"port {port} is given to both {users[port]} and {name}: choose another for one of them"
            )
        users[port] = name


def _listener(name: str, port: int) -> socket.socket:
    listener = socket.socket()
    # As servers do: a port whose last connections are still being buried can be used.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1)
    except PermissionError:
        listener.close()
        raise PortError(
            f"port {port} ({name}) needs rights that you lack: choose one above 1023 with --port {name}=..."
        ) from None
    except OSError:
        listener.close()
        raise PortError(
            f"port {port} ({name}) is in use: stop what listens there, "
            f"or choose another with --port {name}=... (0 is a free one)"
        ) from None
    return listener
