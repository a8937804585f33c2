"""A PostgreSQL server of the tests' own: Debian's package, on a free loopback port, its data gone at the end."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 60


class NoServer(Exception):
    """PostgreSQL cannot be started here; the text says what is missing."""


def _programs() -> Path:
    """The folder of initdb and pg_ctl, the newest version's."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("pg_ctl")
    if found is None:
        raise NoServer("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return Path(found).parent


def _owner() -> str | None:
    """Who runs the server: PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoServer("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres_server() -> Iterator[str]:
    """A running server; its SQLAlchemy URL without the database's name. Raises `NoServer`."""
    programs, owner = _programs(), _owner()
    folder = Path(tempfile.mkdtemp(prefix="sapphire-postgres-"))
    data, log = folder / "data", folder / "log"

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs / program, *arguments], user=owner, cwd=folder, capture_output=True, text=True, check=False,
            timeout=2 * _START_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode:
            raise NoServer(f"{program} failed: {(done.stderr or done.stdout).strip()[-300:]}")

    try:
        if owner is not None:
            shutil.chown(folder, owner)
        run("initdb", "-D", str(data), "-U", "sapphire", "--auth=trust", "-E", "UTF8", "--no-sync")
        port = _free_port()
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
        # The log goes to a file: a server that kept our pipes open would never let `run` end.
        run(
            "pg_ctl", "-D", str(data), "-l", str(log), "-w", "-t", str(_START_SECONDS), "-o", options, "start"
        )
        try:
            yield f"postgresql+psycopg://sapphire@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
