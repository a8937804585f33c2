"""The broker's counts as JSON over HTTP: GET /stats (and GET /healthz)."""

import asyncio
import contextlib
import json

from infra.local.pubsub.broker import Broker

_TIMEOUT_SECONDS = 5.0


class StatisticsServer:
    """A minimal HTTP/1.1 server on the emulator's event loop: one request a connection, no other routes."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError when it is in use."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _TIMEOUT_SECONDS)
            status, body = self._answer(head.split(b"\r\n", 1)[0].decode("latin-1"))
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n".encode("ascii")
                + body
            )
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return  # not an HTTP request, or the caller left: there is nobody to answer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _answer(self, request_line: str) -> tuple[str, bytes]:
        method, _, rest = request_line.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path == "/stats" and method == "GET":
            return "200 OK", json.dumps(self._broker.statistics()).encode()
        if path == "/healthz" and method == "GET":
            return "200 OK", b'{"status": "ok"}'
        return "404 Not Found", b'{"error": "GET /stats or GET /healthz"}'
