"""Which code makes a run: a hash of all its sources, and the version by which a reader finds them again."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("agents", "contracts", "execution", "pipelines", "transforms")
"""What a run is made of."""

_ENDINGS = frozenset({".py", ".yaml", ".json", ".sql", ".html", ".css", ".gz", ".txt"})
"""Those of code and of what is packaged beside it (setup.py)."""

_ROOT = Path(__file__).parents[2]


@cache
def code_hash() -> str:
    """Stands for the sources that this process runs: equal code has the same, committed or not, installed or not."""
    return hash_of(_ROOT)


@cache
def code_version() -> str:
    """The package's version and the commit of its working tree; a hash of the sources where they are not the commit's."""
    try:
        told = version("sapphire-desk")
    except PackageNotFoundError:
        told = "unknown"
    return f"{told}+{origin_of(_ROOT, code_hash())}"


def hash_of(root: Path) -> str:
    """The sources of the packages below a folder, in 64 hex digits: their names and what is in them."""
    whole = hashlib.sha256()
    for name, path in sorted(_sources(root)):
        content = path.read_bytes()
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def origin_of(root: Path, sources: str) -> str:
    """Where the sources below a folder can be had again: `<commit>`, or `<commit>-dirty.<hash>`, or `sources.<hash>`."""
    commit = _git(root, "rev-parse", "--short=12", "HEAD") if (root / ".git").exists() else None
    if not commit:
        return f"sources.{sources[:12]}"
    changed = _git(root, "status", "--porcelain", "--", *PACKAGES)
    return commit if changed == "" else f"{commit}-dirty.{sources[:12]}"


def _sources(root: Path) -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for folder, below, files in os.walk(root / package):
            below[:] = [name for name in below if name != "__pycache__"]
            for path in (Path(folder, name) for name in files):
                if path.suffix in _ENDINGS:
                    yield path.relative_to(root).as_posix(), path


def _git(root: Path, *command: str) -> str | None:
    """What git says, None where it cannot."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(root), *command],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
