"""A Google identity that is worth nothing: a service account of our own, and the endpoint of its tokens.

Google's clients insist on credentials also where an emulator asks for none. A service-account file with a key
of our own and a `token_uri` of our own satisfies every one of them, so that no pipeline code has to know that
it runs locally.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local.ports import HOST

TOKEN = {"access_token": "local", "expires_in": 3600, "token_type": "Bearer"}


def write_service_account(path: Path, project: str, port: int) -> None:
    """Write a service-account file with a fresh key, whose tokens come from `port` on this machine."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    account = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "local",
        "private_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        "client_email": f"desk@{project}.iam.gserviceaccount.com",
        "client_id": "0",
        "token_uri": f"http://{HOST}:{port}/token",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(account))


class _TokenEndpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(TOKEN)

    def do_GET(self) -> None:
        self._answer({"status": "ok"})

    def log_message(self, format: str, *arguments: object) -> None:
        """Every token is like the other: nothing worth a line."""

    def _answer(self, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def endpoint(port: int) -> ThreadingHTTPServer:
    """The token endpoint, bound to `port` on this machine: POST answers a token, GET that it is there."""
    return ThreadingHTTPServer((HOST, port), _TokenEndpoint)


app = typer.Typer(add_completion=False)


@app.command(epilog="Example: python -m infra.local.google_identity --port 8087")
def serve(port: Annotated[int, typer.Option(help="Port of the token endpoint.")] = 8087) -> None:
    """Answer Google's clients with a token that opens nothing but the local emulators."""
    with endpoint(port) as server:
        server.serve_forever()


if __name__ == "__main__":
    app()
