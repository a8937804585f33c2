import stat
import threading
from pathlib import Path

import pytest
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from infra.local.google_identity import endpoint, write_service_account


def test_googles_own_library_takes_the_file_and_gets_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    path = tmp_path / "account.json"
    with endpoint(0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        write_service_account(path, "sapphire-local", server.server_address[1])
        credentials = service_account.Credentials.from_service_account_file(
            path, scopes=["https://www.googleapis.com/auth/cloud-platform"]
        )
        credentials.refresh(Request())
        server.shutdown()
    assert (credentials.token, credentials.project_id) == ("local", "sapphire-local")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
