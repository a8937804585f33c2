"""`sapphire run --llm smollm2`: a real language model decides, through the same endpoints, jobs and tables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.bigquery import tables_of

SECONDS = 15
LIMIT = 300
"""For the run with its start, its end and the model's last answers, on a machine that is busy with other things."""

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(LIMIT + 60)]

CALLS = """
    SELECT agent, model, outcome, tokens_in, tokens_out, side, rationale
    FROM sapphire.model_calls JOIN sapphire.decisions USING (decision_id, agent, model, outcome)
"""


def test_a_real_model_decides_and_every_answer_is_accounted_for(tmp_path: Path) -> None:
    state, summary = tmp_path / "state", tmp_path / "s.json"
    command = [
        sys.executable,
        "-m",
        "infra.cli",
        "run",
        "--llm",
        "smollm2",
        "--for",
        str(SECONDS),
        "--free-ports",
    ]
    outside = {"PUBSUB_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST", "REDIS_URL"}
    done = subprocess.run(
        [*command, "--summary", str(summary), "--state-dir", str(state)],
        env={name: value for name, value in os.environ.items() if name not in outside},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
    )
    screen = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout
    assert "whose judgement is worth nothing, answers for deepseek-v3 and qwen-7b" in screen
    told = json.loads(summary.read_text())
    with tables_of(state) as client:
        rows = [dict(row) for row in client.query_and_wait(CALLS)]
    asked = [row for row in rows if row["agent"] in ("deepseek-v3", "qwen-7b")]
    answered = [row for row in asked if row["outcome"] == "answered"]
    assert len(asked) >= 4
    assert answered, asked
    assert {row["model"] for row in answered} == {"smollm2"}
    assert all(row["tokens_in"] > 100 and row["tokens_out"] > 20 for row in answered)
    # Whatever it could not answer is a HOLD and a dead letter, as for any model.
    refused = [row for row in asked if row["outcome"] != "answered"]
    assert {row["side"] for row in refused} <= {"HOLD"}
    assert told["counts"]["dead_letters"] == len(refused)
    trades = [row for row in answered if row["side"] != "HOLD"]
    assert told["tables"]["risk_verdicts"] >= len(trades)
    assert told["models"]["smollm2"] >= len(answered)
    others = {row["model"] for row in rows if row not in asked}
    assert all(model.startswith(("rule:", "forecast:")) for model in others)
