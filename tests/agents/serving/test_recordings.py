"""Recording answers, and answering from the recording."""

import json

import pytest
from fastapi.testclient import TestClient

from agents.prompts.prompt import prompt_named
from agents.serving.app import create_app
from agents.serving.backend import CannotServe, backend_named
from agents.serving.options import ServerOptions
from agents.serving.record_backend import Recorded
from agents.serving.recordings import Recorder, prompt_hash
from tests.agents.questions import question, roster


def instance(**changes):
    return prompt_named("decide.1").instance(roster().by_agent["deepseek-v3"], question(**changes))


def ask(backend, asked, model="momentum"):
    client = TestClient(create_app(backend, "/health", "/predict/{model}"))
    return client.post(f"/predict/{model}", json={"instances": [asked]})


@pytest.fixture
def recorded(tmp_path):
    """A file with one answer of the rule momentum, and that answer."""
    path = tmp_path / "answers.jsonl"
    recording = Recorded(backend_named("rule"), Recorder(path))
    (answer,) = ask(recording, instance()).json()["predictions"]
    assert ask(recording, instance()).status_code == 200
    recording.close()
    return path, answer


def replaying(path):
    return backend_named("record", ServerOptions(recordings=path))


def test_what_was_recorded_is_answered_word_for_word(recorded):
    path, answer = recorded
    assert len(path.read_text().splitlines()) == 1, "the same question is recorded once"
    backend = replaying(path)
    assert (backend.models(), backend.runs) == (("momentum",), f"1 recorded answers of {path}")
    assert ask(backend, instance()).json() == {"predictions": [answer]}


def test_an_unknown_prompt_is_a_404_and_never_a_guess(recorded):
    backend = replaying(recorded[0])
    other = instance(decision_id="decision-1", price="50000")
    refused = ask(backend, other)
    assert refused.status_code == 404
    assert f"no answer of momentum to prompt {prompt_hash(other)}" in refused.json()["error"]
    assert "nothing is recorded of a model called 'volatility'" in ask(backend, other, "volatility").text


def test_recording_goes_on_where_it_ended(recorded):
    path, _ = recorded
    before = path.read_text()
    again = Recorded(backend_named("rule"), Recorder(path))
    ask(again, instance())
    ask(again, instance(price="50000"))
    again.close()
    assert path.read_text().startswith(before)
    assert len(replaying(path)._recordings) == 2


def test_a_prompt_is_the_same_however_its_numbers_travelled():
    asked = instance()
    through_vertex = json.loads(json.dumps(asked), parse_int=float)
    assert prompt_hash(through_vertex) == prompt_hash(dict(reversed(asked.items()))) == prompt_hash(asked)
    assert prompt_hash(instance(price="50000")) != prompt_hash(asked)


def test_a_file_that_is_none_is_said_at_start(tmp_path, recorded):
    with pytest.raises(CannotServe, match="needs --recordings FILE"):
        backend_named("record")
    with pytest.raises(CannotServe, match=r"nowhere\.jsonl cannot be read"):
        replaying(tmp_path / "nowhere.jsonl")
    broken = tmp_path / "broken.jsonl"
    broken.write_text(recorded[0].read_text() + "{}\n")
    with pytest.raises(CannotServe, match="line 2 is not a recorded answer"):
        replaying(broken)
    line = json.loads(recorded[0].read_text())
    broken.write_text(f"{json.dumps(line)}\n\n{json.dumps(line | {'prediction': {}})}\n")
    with pytest.raises(CannotServe, match=r"line 3: prompt .* has two different answers"):
        replaying(broken)
    with pytest.raises(CannotServe, match="cannot be written"):
        Recorder(tmp_path / "no" / "folder.jsonl")
