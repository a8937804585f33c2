"""The files of a backtest under its output folder, which may be a local one or any that Beam can reach (gs://...).

result.json             what ran, over which data, and a line for each run (contracts.backtest.Backtest)
runs/<run>.json         a run in full (contracts.backtest.BacktestResult)
runs/<run>.key          what the run was made of, and its file's hash: a whole run whose key is the same is not made again
cases/<run>.<cost>.json a run without one of its costs
tables/*.parquet        equity, fills, orders, round trips and runs, for other tools
"""

import hashlib
import threading
from concurrent.futures import Future
from dataclasses import dataclass

import orjson
from apache_beam.io.filesystems import FileSystems
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError

from contracts.backtest import BacktestResult
from pipelines.backtesting.data import DataSpec, open_data
from pipelines.backtesting.errors import BacktestError
from pipelines.backtesting.scenario import Scenario

PENDING = ".part"


@dataclass(frozen=True, slots=True)
class Folder:
    """The output folder."""

    root: str

    def path(self, *parts: str) -> str:
        """A path below it."""
        return FileSystems.join(self.root, *parts)

    def make(self, *parts: str) -> None:
        """Make a folder below it, if it is not there."""
        path = self.path(*parts)
        if not FileSystems.exists(path):
            FileSystems.mkdirs(path)

    def write(self, content: bytes, *parts: str) -> None:
        """Write a file whole or not at all."""
        path = self.path(*parts)
        with FileSystems.create(path + PENDING) as file:
            file.write(content)
        if FileSystems.exists(path):
            FileSystems.delete([path])
        FileSystems.rename([path + PENDING], [path])

    def prepare(self, seconds: float = 20.0) -> None:
        """Make the folders that files go to, and write one; raises `BacktestError` when that cannot be done in time.

        Whoever stores files elsewhere asks again for minutes before it gives up.
        """
        outcome: Future[str] = Future()
        threading.Thread(target=self._try_out, args=(outcome,), name="output", daemon=True).start()
        try:
            problem = outcome.result(seconds)
        except TimeoutError:
            problem = f"it gave no answer in {seconds:g} seconds"
        if problem:
            raise BacktestError(f"nothing can be written to --output {self.root}: {problem}")

    def _try_out(self, outcome: Future[str]) -> None:
        try:
            for name in ("runs", "cases", "progress"):
                self.make(name)
            self.write(b"", "progress", "begun")
        except (OSError, ValueError, ImportError, GoogleAPIError, GoogleAuthError) as error:
            outcome.set_result(" ".join(str(error).split()) or type(error).__name__)
        else:
            outcome.set_result("")

    def read(self, *parts: str) -> bytes | None:
        """A file's content; None when there is none."""
        path = self.path(*parts)
        if not FileSystems.exists(path):
            return None
        with FileSystems.open(path) as file:
            return bytes(file.read())

    # --- runs -------------------------------------------------------------------------------------------------------

    def write_run(self, result: BacktestResult, key: str) -> None:
        """Keep a finished run; its key is written last."""
        content = result.to_json() + b"\n"
        self.write(content, "runs", f"{result.run}.json")
        self.write(_sealed(key, content), "runs", f"{result.run}.key")

    def read_run(self, run: str) -> BacktestResult:
        """A finished run."""
        content = self.read("runs", f"{run}.json")
        if content is None:
            raise FileNotFoundError(self.path("runs", f"{run}.json"))
        return BacktestResult.from_json(content)

    def is_finished(self, run: str, key: str) -> bool:
        """Whether the run is there, whole, and made of the same."""
        content = self.read("runs", f"{run}.json")
        return content is not None and self.read("runs", f"{run}.key") == _sealed(key, content)


def _sealed(key: str, content: bytes) -> bytes:
    """What a run was made of, and what came of it."""
    return f"{key} {hashlib.sha256(content).hexdigest()}\n".encode()


def key_of(spec: DataSpec, scenario: Scenario, trials: int, seed: int, sources: str) -> str:
    """Stands for all that a result depends on: data, scenario, and the code, by the hash of its sources."""
    content = {
        "data": [identity.sha256 for identity in open_data(spec).identities],
        "period": [spec.from_micros, spec.to_micros, spec.note_flaws],
        "scenario": scenario.model_dump(mode="json"),
        "trials": trials,
        "seed": seed,
        "code": sources,
    }
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
