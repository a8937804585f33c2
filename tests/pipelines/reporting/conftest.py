"""The tables of two desks at an emulator, written with the ordinary client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud.bigquery import Client

from contracts.backtest import BacktestResult
from infra.bigquery.creation import create
from infra.local.bigquery import bigquery, local_client
from infra.local.ports import Ports
from infra.local.state import StateFolder
from infra.local.supervisor import Supervisor
from tests.pipelines.reporting.desk_rows import rows_of
from tests.transforms.reporting.example import run

DATASET = "sapphire"


@pytest.fixture(scope="session")
def result() -> BacktestResult:
    """A desk's 34 days from 1 January 2024: all of January, and three days of February."""
    return run(hours=24 * 34)


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory, result: BacktestResult) -> Iterator[Client]:
    """The ordinary client, before an emulator with that desk's rows, some of them written twice."""
    state = StateFolder(tmp_path_factory.mktemp("bigquery"))
    state.cleared()
    ports = Ports.chosen([], any_free=True).settled()
    with Supervisor(Path(state.logs)) as supervisor:
        supervisor.start([bigquery(ports, state, "sapphire-test")], 60)
        with local_client(ports.bigquery, "sapphire-test") as connected:
            create(connected, DATASET, expiration=False, views=[])
            for table, rows in rows_of(result).items():
                told = [json.loads(row.to_json()) for row in rows]
                for first in range(0, len(told), 500):
                    refused = connected.insert_rows_json(
                        f"{connected.project}.{DATASET}.{table}", told[first : first + 500]
                    )
                    assert refused == []
            yield connected
