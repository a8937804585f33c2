"""Bad input is refused with its reason; the dead letter keeps enough of it to find out more."""

import json

import pytest

from contracts.message import MessageType
from contracts.refusals import Reason, Refusal, dead_letter, read_message
from tests.contracts.examples import T0, example

GOOD = json.loads(example(MessageType.INSIGHT).to_json())


@pytest.mark.parametrize(
    ("data", "reason", "tells"),
    [
        (b"not json", Reason.NOT_JSON, "Expecting value"),
        (b"", Reason.NOT_JSON, "Expecting value"),
        (b"[1, 2]", Reason.WRONG_FIELD, "a message is a JSON object, not a list"),
        (json.dumps(GOOD | {"type": "GOSSIP"}).encode(), Reason.UNKNOWN_TYPE, "unknown type 'GOSSIP'"),
        (
            json.dumps(GOOD | {"schema_version": 2, "mood": "x"}).encode(),
            Reason.FUTURE_SCHEMA,
            "update the job",
        ),
        (json.dumps(GOOD | {"schema_version": 2}).encode(), Reason.FUTURE_SCHEMA, "schema_version 2"),
        (
            json.dumps(GOOD | {"mood": "x"}).encode(),
            Reason.WRONG_FIELD,
            "mood: Extra inputs are not permitted",
        ),
        (json.dumps(GOOD | {"desk": ""}).encode(), Reason.WRONG_FIELD, "desk"),
        (b"x" * 10_000_000, Reason.TOO_LARGE, "10000000 bytes; the limit is 1000000"),
    ],
)
def test_bad_input_is_refused_with_its_reason(data, reason, tells):
    with pytest.raises(Refusal, match=tells) as caught:
        read_message(data)
    assert caught.value.reason is reason


def test_a_dead_letter_keeps_the_beginning_and_the_size():
    refusal = Refusal(Reason.TOO_LARGE, "too large")
    letter = dead_letter("market", "intake", refusal, b"\xffx" * 5_000, T0, {"b": "1", "a": "2"})
    assert letter.size == 10_000
    assert len(letter.payload) == 4_096
    assert letter.payload.startswith("\ufffdx")
    assert letter.attributes == '{"a": "2", "b": "1"}'


def test_the_same_refusal_has_the_same_id():
    letters = [
        dead_letter("market", "intake", Refusal(Reason.NOT_JSON, "no"), data, T0)
        for data in (b"a", b"a", b"b")
    ]
    assert letters[0] == letters[1]
    assert letters[0].dead_letter_id != letters[2].dead_letter_id
