import sys
from collections.abc import Callable

import pytest

from infra.cli import main

Sapphire = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sapphire(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sapphire:
    """Run the command with arguments; gives the exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sapphire", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return run
