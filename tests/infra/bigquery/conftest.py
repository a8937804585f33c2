from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud.bigquery import Client

from infra.local.bigquery import bigquery, local_client
from infra.local.ports import Ports
from infra.local.state import StateFolder
from infra.local.supervisor import Supervisor


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The ordinary client, before an emulator of its own."""
    state = StateFolder(tmp_path_factory.mktemp("bigquery"))
    state.cleared()
    ports = Ports.chosen([], any_free=True).settled()
    with Supervisor(Path(state.logs)) as supervisor:
        supervisor.start([bigquery(ports, state, "sapphire-test")], 60)
        with local_client(ports.bigquery, "sapphire-test") as connected:
            yield connected
