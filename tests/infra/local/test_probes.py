"""When a part counts as ready, asked of a server that answers as the real ones do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local.probes import has_spoken

TOKEN = "operators"


@contextmanager
def gateway(body: bytes) -> Iterator[str]:
    """The address of something that tells an operator when agents were last seen."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == f"Bearer {TOKEN}"
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(body if known else b'{"title": "Wrong token"}')

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/agent-activity"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.parametrize(
    ("body", "is_ready"),
    [
        (b'{"a-bot": {"last_seen": "2024-01-15T00:00:00Z"}}', True),
        (b'{"a-bot": {"last_seen": null}, "b-bot": {"last_seen": "2024-01-15T00:00:00Z"}}', False),
        (b"{}", False),
        (b"not JSON", False),
        (b"[]", False),
    ],
)
def test_a_bot_is_ready_when_the_gateway_has_seen_it(body: bytes, is_ready: bool) -> None:
    with gateway(body) as url:
        assert has_spoken(url, TOKEN, "a-bot")() is is_ready
        assert not has_spoken(url, "an agent's", "a-bot")()


def test_nobody_is_ready_while_nobody_answers() -> None:
    with gateway(b"{}") as url:
        pass
    assert not has_spoken(url, TOKEN, "a-bot")()
