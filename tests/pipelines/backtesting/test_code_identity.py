import subprocess
from pathlib import Path

import pytest

from pipelines.backtesting.code_identity import PACKAGES, code_hash, code_version, hash_of, origin_of

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree of one commit."""
    for package in PACKAGES:
        (tmp_path / package / "inner").mkdir(parents=True)
        (tmp_path / package / "inner" / "rule.py").write_text("SHARE = 0.05\n")
    (tmp_path / "agents" / "roster.yaml").write_text("desk: main\n")
    (tmp_path / ".gitignore").write_text("__pycache__/\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "Begin")
    return tmp_path


def git(tree: Path, *command: str) -> str:
    done = subprocess.run(["git", "-C", str(tree), *command], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("transforms/inner/rule.py", "SHARE = 0.06\n"),
        ("agents/roster.yaml", "desk: other\n"),
        ("contracts/inner/new.py", ""),
        ("agents/prompts/decide.1.txt", "Decide."),
        ("execution/feed/samples/day.csv.gz", ""),
    ],
)
def test_a_changed_or_added_source_is_other_code(tree: Path, file: str, content: str) -> None:
    before = hash_of(tree)
    path = tree / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    assert hash_of(tree) != before


def test_what_is_not_run_is_not_code(tree: Path) -> None:
    before = hash_of(tree)
    for file in ("agents/__pycache__/rule.cpython-311.pyc", "agents/README.md", "tests/test_rule.py"):
        (tree / file).parent.mkdir(exist_ok=True)
        (tree / file).write_text("anything")
    assert hash_of(tree) == before


def test_equal_sources_have_one_hash_wherever_they_are(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    installed = tmp_path_factory.mktemp("installed")
    for path in sorted(tree.glob("*/**/*.*"), reverse=True):
        if ".git" not in path.parts:
            (installed / path.relative_to(tree)).parent.mkdir(parents=True, exist_ok=True)
            (installed / path.relative_to(tree)).write_bytes(path.read_bytes())
    assert hash_of(installed) == hash_of(tree)


def test_a_commit_is_told_and_what_differs_from_it(tree: Path) -> None:
    commit = git(tree, "rev-parse", "--short=12", "HEAD")
    (tree / "notes.txt").write_text("no source")
    assert origin_of(tree, hash_of(tree)) == commit
    (tree / "agents" / "inner" / "rule.py").write_text("SHARE = 0.06\n")
    changed = hash_of(tree)
    assert origin_of(tree, changed) == f"{commit}-dirty.{changed[:12]}"
    (tree / "agents" / "inner" / "rule.py").write_text("SHARE = 0.07\n")
    assert hash_of(tree) != changed


def test_without_a_commit_the_sources_are_told(tmp_path: Path) -> None:
    assert origin_of(tmp_path, "0123456789abcdef") == "sources.0123456789ab"


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="git knows what is ours")
def test_nothing_that_is_packaged_is_left_out() -> None:
    listed = git(REPOSITORY, "ls-files", *PACKAGES).splitlines()
    left_out = {Path(file).suffix for file in listed} - {".py", ".yaml", ".gz", ".txt", ".html", ".css"}
    assert left_out <= {".md"}


def test_a_process_has_one_code() -> None:
    assert code_hash() == code_hash()
    assert len(code_hash()) == 64
    assert code_version().startswith("0.1.0+")
