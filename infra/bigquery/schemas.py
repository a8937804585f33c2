"""The tables' definitions as JSON files, for Terraform and for eyes; they follow from the row models."""

import json
from pathlib import Path

from contracts.tables import TABLES

FOLDER = Path(__file__).parent / "schemas"


def schema_files() -> dict[str, str]:
    """Each file's name and content: sorted keys, so that equal definitions give equal bytes."""
    return {
        f"{name}.json": json.dumps(table.definition(), indent=2, sort_keys=True) + "\n"
        for name, table in sorted(TABLES.items())
    }


def write_schemas(folder: Path = FOLDER) -> list[str]:
    """Bring the folder in step with the row models; returns the files that were written or removed."""
    folder.mkdir(parents=True, exist_ok=True)
    files = schema_files()
    changed = []
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
            changed.append(name)
    for path in sorted(folder.glob("*.json")):
        if path.name not in files:
            path.unlink()
            changed.append(path.name)
    return changed
