"""BigQuery on this machine: bqemulator, with DuckDB's spatial extension taken from its own package."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.errors import StackError
from infra.local.part import Part, module
from infra.local.ports import HOST, Ports
from infra.local.probes import answers
from infra.local.state import StateFolder
from infra.local.supervisor import Supervisor

if TYPE_CHECKING:
    import duckdb
    from google.cloud.bigquery import Client

_START_SECONDS = 60.0


def bigquery(ports: Ports, state: StateFolder, project: str) -> Part:
    """The emulator on the state folder's tables, which stay when it ends."""
    return Part(
        name="bigquery",
        command=module(
            "infra.local.bigquery", "start",
            "--rest-port", str(ports.bigquery),
            "--grpc-port", str(ports.bigquery_storage),
            "--persistent", "--data-dir", str(state.bigquery),
            "--project", project,
            "--log-level", "warning",
        ),
        # DuckDB keeps its extensions below HOME; ours stay in the state folder.
        env={"HOME": str(state.duckdb)},
        ready=answers(f"http://{HOST}:{ports.bigquery}/healthz"),
    )  # fmt: skip


def local_client(port: int, project: str) -> "Client":
    """The ordinary client, talking to the emulator on `port` of this machine."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.bigquery import Client

    return Client(
        project=project,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": f"http://{HOST}:{port}"},
    )


@contextmanager
def tables_of(root: Path) -> Iterator["Client"]:
    """A client for the tables of the run in the state folder `root`: the one that runs, else the latest.

    For a run that is over, an emulator is started on what it left, for as long as the context lasts. Raises
    `StackError` when there is none.
    """
    state = StateFolder(root.absolute())
    if not state.emulators.exists():
        raise StackError(f"there is no run in {root} to ask: start one with `sapphire run`")
    running = json.loads(state.emulators.read_text())
    if answers(f"http://{HOST}:{running['bigquery']}/healthz")() and state.is_held:
        with local_client(running["bigquery"], running["project"]) as client:
            yield client
        return
    with state.held(), Supervisor(state.logs) as supervisor:
        ports = Ports.chosen((), any_free=True).settled()
        supervisor.start([bigquery(ports, state, running["project"])], _START_SECONDS)
        with local_client(ports.bigquery, running["project"]) as client:
            yield client


def _start() -> None:
    """Give DuckDB the extension that bqemulator would download, then hand over to bqemulator's command."""
    import bqemulator.cli
    import duckdb
    from bqemulator.storage.engine import DuckDBEngine
    from duckdb_extensions import import_extension

    with duckdb.connect() as connection:
        if not _installed(connection):
            import_extension("spatial", con=connection)
    # It would also ask the network for the Avro extension, for files that we never load.
    setattr(DuckDBEngine, "_load_format_extensions", lambda engine: None)  # noqa: B010 - a method, to mypy
    bqemulator.cli.main(sys.argv[1:], prog_name="bqemulator")


def _installed(connection: "duckdb.DuckDBPyConnection") -> bool:
    query = "SELECT installed FROM duckdb_extensions() WHERE extension_name = 'spatial'"
    row = connection.execute(query).fetchone()
    return bool(row and row[0])


if __name__ == "__main__":
    _start()
