"""An HTTP server that does what a script says, at the edge where Vertex AI stands."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Deed = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Does the next deed of the script of the endpoint that is asked; the last deed is done again and again."""

    server: "ScriptedServer"
    body: bytes = b""

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["content-length"]))
        self.server.script_of(self.path)(self)

    def log_message(self, *ignored: object) -> None:
        """Nothing is logged."""

    def answer(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        size: int = 0,
        retry_after: str | None = None,
    ) -> None:
        self.send_response(status)
        if retry_after is not None:
            self.send_header("retry-after", retry_after)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(size or len(body)))
        self.end_headers()
        self.wfile.write(body)


class ScriptedServer(ThreadingHTTPServer):
    """`scripts` gives each endpoint's deeds by the last part of its resource name; `calls` counts them."""

    daemon_threads = True

    def __init__(self, scripts: dict[str, list[Deed]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scripts = scripts
        self.calls = dict.fromkeys(scripts, 0)
        self.released = threading.Event()
        self._counting = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def script_of(self, path: str) -> Deed:
        endpoint = path.rpartition("/")[2].partition(":")[0]
        script = self.scripts[endpoint]
        with self._counting:
            number = self.calls[endpoint]
            self.calls[endpoint] = number + 1
        return script[min(number, len(script) - 1)]

    def handle_error(self, *ignored: object) -> None:
        """A client that has gone away is part of the script."""


@contextmanager
def serving(scripts: dict[str, list[Deed]]) -> Iterator[ScriptedServer]:
    server = ScriptedServer(scripts)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def predicts(prediction: object) -> Deed:
    body = json.dumps({"predictions": [prediction]}).encode()
    return lambda handler: handler.answer(200, body)


def says(content: str, model: str = "org/Some-Model") -> Deed:
    choice = {"index": 0, "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 11, "completion_tokens": 7}
    return predicts({"model": model, "choices": [choice], "usage": usage})


def fails(status: int, retry_after: str | None = None) -> Deed:
    error = {"error": {"code": status, "message": "scripted", "status": "SCRIPTED"}}
    return lambda handler: handler.answer(status, json.dumps(error).encode(), retry_after=retry_after)


def html(handler: Handler) -> None:
    handler.answer(200, b"<html>hello</html>", "text/html")


def half(handler: Handler) -> None:
    handler.answer(200, b'{"predictions": [', size=1_000)
    handler.close_connection = True


def never(handler: Handler) -> None:
    handler.server.released.wait()


def drips(handler: Handler) -> None:
    """One byte at a time: a timeout that starts anew with each would never pass."""
    handler.send_response(200)
    handler.send_header("content-length", "1000000")
    handler.end_headers()
    while not handler.server.released.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def resets(handler: Handler) -> None:
    """Close with a reset instead of an orderly end."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
