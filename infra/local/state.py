"""The one folder that a run keeps its state in, and its lock: two runs never share one."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import StackError


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Where a run's files are. A run's state stays, to be looked into, until the next run clears it."""

    root: Path

    @property
    def run(self) -> Path:
        """What belongs to the latest run alone."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log a part."""
        return self.root / "logs"

    @property
    def forge_log(self) -> Path:
        """The forge's log, which is not among the others because the forge is there before they are cleared."""
        return self.root / "forge.log"

    @property
    def bigquery(self) -> Path:
        """The BigQuery emulator's tables."""
        return self.run / "bigquery"

    @property
    def duckdb(self) -> Path:
        """DuckDB's extensions, kept from run to run."""
        return self.root / "duckdb"

    @property
    def ledger(self) -> Path:
        """The execution service's ledger."""
        return self.run / "ledger.db"

    @property
    def roster(self) -> Path:
        """The roster of a run that has another than the project's: with a language model in it."""
        return self.run / "roster.json"

    @property
    def kill_switch(self) -> Path:
        """Where the execution service's kill switch is latched."""
        return self.run / "kill_switch.json"

    @property
    def execution_tokens(self) -> Path:
        """The tokens that the execution service knows, by scope."""
        return self.run / "execution_tokens.json"

    @property
    def clock(self) -> Path:
        """The replay's clock."""
        return self.run / "clock.json"

    @property
    def gateway_tokens(self) -> Path:
        """The tokens that the gateway knows."""
        return self.run / "gateway_tokens.json"

    @property
    def operators(self) -> Path:
        """Where operators' controls are taken, and their token."""
        return self.run / "operators.json"

    @property
    def service_account(self) -> Path:
        """The credentials that Google's clients are given."""
        return self.run / "service_account.json"

    @property
    def emulators(self) -> Path:
        """Where the run's tables can be asked: `{"project", "bigquery"}`, the latter a port."""
        return self.run / "emulators.json"

    @property
    def is_held(self) -> bool:
        """Whether a run has the folder now."""
        try:
            with self.held():
                return False
        except StackError:
            return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for one run or query; raises `StackError` when another has it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"another run uses {self.root}: end it first, or give this one a folder with --state-dir"
                ) from None
            yield

    def cleared(self) -> None:
        """Drop what the last run left."""
        for folder in (self.run, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.run.chmod(0o700)  # tokens and the private key are in it
        self.duckdb.mkdir(exist_ok=True)
