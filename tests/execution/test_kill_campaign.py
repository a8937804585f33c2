import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.execution.kill_campaign import AGAIN, NEW

SEED = 20_240_115


@pytest.mark.timeout(300)
def test_killed_at_any_point_nothing_is_lost_and_nothing_doubled(tmp_path: Path, ledger_url: str) -> None:
    kills = 100 if make_url(ledger_url).get_backend_name() == "sqlite" else 25
    done = subprocess.run(
        [sys.executable, "-m", "tests.execution.kill_campaign", str(tmp_path), ledger_url, str(kills), str(SEED)],
        capture_output=True, text=True, check=False, timeout=280, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout)
    assert found["kills"] == kills
    assert found["orders"] == AGAIN + NEW * kills
    assert found["traded"] > found["orders"] / 2
    wrong = {
        "lost_at_venue", "made_up", "doubled_at_venue", "answers_not_kept", "position_differs", "untold",
        "steps_missing", "steps_contradicting",
    }  # fmt: skip
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
