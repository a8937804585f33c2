from pathlib import Path

from contracts.tables import TABLES
from infra.bigquery.schemas import FOLDER, schema_files, write_schemas


def test_the_files_are_in_step_with_the_row_models() -> None:
    """When this fails: `sapphire bigquery schemas` writes them anew."""
    assert {path.name: path.read_text() for path in FOLDER.glob("*.json")} == schema_files()


def test_every_table_has_its_file() -> None:
    assert set(schema_files()) == {f"{name}.json" for name in TABLES}


def test_writing_brings_a_folder_in_step(tmp_path: Path) -> None:
    assert write_schemas(tmp_path) == list(schema_files())
    (tmp_path / "orders.json").write_text("{}")
    (tmp_path / "of_old.json").write_text("{}")
    assert write_schemas(tmp_path) == ["orders.json", "of_old.json"]
    assert write_schemas(tmp_path) == []
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == schema_files()
