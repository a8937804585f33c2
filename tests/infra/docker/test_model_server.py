"""The model server's images, as far as they can be judged without building them."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "infra" / "docker" / "model-server"
DOCKERFILES = sorted(FOLDER.glob("*.Dockerfile"))
LOCKS = sorted(FOLDER.glob("*.lock"))
PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,-]+\])?==(\S+)", re.MULTILINE)


def pins(lock: Path) -> dict[str, str]:
    return dict(PINNED.findall(lock.read_text()))


def steps(dockerfile: Path, instruction: str) -> list[str]:
    joined = dockerfile.read_text().replace("\\\n", " ")
    return re.findall(rf"^{instruction} (.*)$", joined, re.MULTILINE)


def test_there_is_one_for_each_kind_of_machine() -> None:
    assert [path.stem for path in DOCKERFILES] == ["cpu", "gpu", "lag-llama"]
    assert [path.stem for path in LOCKS] == ["cpu", "lag-llama", "server"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_an_image_is_pinned_and_runs_as_nobody_special(dockerfile: Path) -> None:
    for base in steps(dockerfile, "FROM"):
        name, _, tag = base.split()[0].partition(":")
        assert name in ("python", "vllm/vllm-openai")
        assert tag and tag != "latest"
    assert steps(dockerfile, "USER") == ["10001"]
    assert steps(dockerfile, "ENTRYPOINT") == ['["/opt/sapphire/venv/bin/python", "-m", "agents.serving"]']
    for installs in (step for step in steps(dockerfile, "RUN") if "pip install" in step):
        assert "--require-hashes" in installs and "--no-deps" in installs
    (environment,) = steps(dockerfile, "ENV")
    assert "SAPPHIRE_HOST=0.0.0.0" in environment and "AIP_HTTP_PORT=8080" in environment


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_what_an_image_takes_from_the_project_is_there(dockerfile: Path) -> None:
    sources = [step.split()[0] for step in steps(dockerfile, "COPY") if not step.startswith("--from")]
    assert {"contracts", "agents"} < set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_package_of_a_lock_has_its_hash(lock: Path) -> None:
    entries = re.split(r"^(?=[a-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) == len(PINNED.findall(lock.read_text())) > 20
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock.read_text())


@pytest.mark.parametrize("name", ["server", "cpu"])
def test_the_images_have_the_desks_own_versions(name: str) -> None:
    desk = pins(ROOT / "requirements.lock")
    found = pins(FOLDER / f"{name}.lock")
    assert {package: version for package, version in found.items() if desk.get(package) != version} == {}


def test_what_the_server_imports_is_in_every_lock() -> None:
    code = (
        "import sys, agents.serving.__main__\n"
        "from agents.serving.backend import backend_named\n"
        "backend_named('rule')\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    known, loaded = packages_distributions(), set(done.stdout.split()) - {"google", "opentelemetry"}
    needed = {
        name.lower().replace("_", "-")
        for module in loaded - set(sys.stdlib_module_names)
        for name in known.get(module, ())
    } - {"sapphire-desk", "setuptools", "watchfiles", "zstandard", "sniffio"}
    for lock in LOCKS:
        assert needed - set(pins(lock)) == set(), lock.name
