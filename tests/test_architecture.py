"""The rules of the house that no single file can hold: where imports point, how large a room may be."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("contracts", "transforms", "pipelines", "agents", "execution", "infra")
LONGEST = 400
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}

# What a distribution that the user named is called when it is imported.
IMPORTED_AS = {
    "apache-beam": ("apache_beam",),
    "google-cloud-pubsub": ("google.cloud.pubsub", "google.cloud.pubsub_v1", "google.pubsub_v1"),
    "google-cloud-bigquery": ("google.cloud.bigquery",),
    "google-cloud-aiplatform": ("google.cloud.aiplatform", "google.cloud.aiplatform_v1"),
    "redis": ("redis",),
    "pydantic": ("pydantic",),
    "ccxt": ("ccxt",),
}


def sources(*folders: str) -> list[Path]:
    """Our Python files, as paths from the project's root."""
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports, and for `from a import b` both a and a.b."""

    def names() -> Iterator[str]:
        for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    return frozenset(names())


def imports_any(path: Path, modules: tuple[str, ...]) -> bool:
    return any(f"{name}.".startswith(f"{module}.") for name in imports(path) for module in modules)


def test_imports_point_one_way(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_only_agents_talks_to_vertex() -> None:
    vertex = ("google.cloud.aiplatform", "google.cloud.aiplatform_v1", "vertexai")
    others = [name for name in PACKAGES if name != "agents"]
    assert [str(path) for path in sources(*others) if imports_any(path, vertex)] == []


def test_annotations_are_not_postponed_where_beam_reads_them() -> None:
    """Beam infers coders from annotations; as strings they tell it nothing, and it falls back to pickling."""
    readers = [
        path
        for path in sources(*PACKAGES)
        if path.parts[0] in ("transforms", "pipelines") or imports_any(path, ("apache_beam",))
    ]
    assert [str(path) for path in readers if "__future__.annotations" in imports(path)] == []


def test_files_are_small_rooms() -> None:
    lengths = {path: (ROOT / path).read_text("utf-8").count("\n") for path in sources(*PACKAGES, "tests")}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST} == {}


def test_modules_are_named_after_what_they_hold() -> None:
    named = {path: set(path.with_suffix("").parts) for path in sources(*PACKAGES, "tests")}
    assert [str(path) for path, parts in named.items() if parts & NAMES_THAT_SAY_NOTHING] == []


def platform_dependencies() -> list[str]:
    """The distributions of setup.py's PLATFORM list, without extras and versions."""
    for node in ast.parse((ROOT / "setup.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PLATFORM":
            return [re.split(r"[\[<>=~!]", spec)[0] for spec in ast.literal_eval(node.value)]
    raise AssertionError("setup.py has no PLATFORM list")


def test_every_named_dependency_is_declared() -> None:
    assert sorted(platform_dependencies()) == sorted(IMPORTED_AS)


@pytest.mark.parametrize("distribution", sorted(IMPORTED_AS))
def test_every_named_dependency_is_used(distribution: str) -> None:
    used = [path for path in sources(*PACKAGES) if imports_any(path, IMPORTED_AS[distribution])]
    assert used, f"setup.py declares {distribution}, and nothing of ours imports it"


def test_lock_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock)
    assert re.search(r"^apache-beam==2\.77\.0 ", lock, re.MULTILINE)
