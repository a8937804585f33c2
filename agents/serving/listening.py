"""A socket that is listened on from the moment a server says that it is ready."""

import errno
import socket
from types import TracebackType
from typing import Self


class PortInUse(OSError):
    """The port cannot be listened on; the text names the fix."""


class Listening:
    """A bound TCP socket; port 0 takes a free one. Raises `PortInUse` when it is entered."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.socket.getsockname()[:2]
        return f"http://{host}:{port}"

    def __enter__(self) -> Self:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.socket.bind(self._address)
            self.socket.listen(128)
        except OSError as error:
            self.socket.close()
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise PortInUse(f"port {self._address[1]} {why}; give another with --port") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()
