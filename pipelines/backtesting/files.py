"""The files of a backtest under its output folder, which may be a local one or any that Beam can reach (gs://...).

result.json             what ran, over which data, and a line for each run (contracts.backtest.Backtest)
runs/<run>.json         a run in full (contracts.backtest.BacktestResult)
runs/<run>.key          what the run was made of: a run whose key is the same is not made again
cases/<run>.<cost>.json a run without one of its costs
tables/*.parquet        equity, fills, orders, round trips and runs, for other tools
"""

import hashlib
from dataclasses import dataclass

import orjson
from apache_beam.io.filesystems import FileSystems

from contracts.backtest import BacktestResult
from pipelines.backtesting.data import DataSpec, open_data
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
        self.write(result.to_json() + b"\n", "runs", f"{result.run}.json")
        self.write(key.encode(), "runs", f"{result.run}.key")

    def read_run(self, run: str) -> BacktestResult:
        """A finished run."""
        content = self.read("runs", f"{run}.json")
        if content is None:
            raise FileNotFoundError(self.path("runs", f"{run}.json"))
        return BacktestResult.from_json(content)

    def is_finished(self, run: str, key: str) -> bool:
        """Whether the run is there, made of the same."""
        return self.read("runs", f"{run}.key") == key.encode()


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
