"""What leaves a job: Pub/Sub attributes and ordering keys, lines of files, and emissions between steps."""

import orjson
import pytest
from apache_beam.coders import registry

from contracts.coder import register_contract_coders
from contracts.message import Message
from contracts.refusals import MAX_MESSAGE_BYTES, Reason, Refusal, dead_letter
from contracts.rows.operations import DeadLetterRow
from contracts.time import from_micros
from tests.transforms.coordination.desk import START, insight, message
from transforms.core import Output
from transforms.emission import Emission, EmissionCoder, emissions_of
from transforms.log import LogEntry
from transforms.wire import lines, wire, wire_rows

LETTER = dead_letter("coordination", "intake", Refusal(Reason.NOT_JSON, "no"), b"{", from_micros(START))
ROW = DeadLetterRow.of(LETTER)


def entry(said: Message, sent_at: str | None = "2026-01-01T00:00:00+00:00") -> LogEntry:
    return LogEntry("main", 7, False, START, said, sent_at)


def test_a_message_travels_with_the_attributes_that_filters_need() -> None:
    said = message("ann", 0, recipient="bob")
    data, attributes, ordering_key = wire(said)
    assert Message.from_json(data) == said
    assert attributes == {
        "desk": "main", "type": "TRADE_THESIS", "sender": "ann", "recipient": "bob",
        "event_time": "2024-01-15T00:00:00+00:00",
    }  # fmt: skip
    assert ordering_key == "main/bob"


def test_a_broadcast_is_ordered_by_its_symbol_and_has_no_recipient() -> None:
    _, attributes, ordering_key = wire(message("ann", 0))
    assert "recipient" not in attributes
    assert ordering_key == "main/BTCUSDT"
    assert wire(message("ann", 0, insight())).ordering_key == "main/"


def test_rows_and_dead_letters_name_what_they_are() -> None:
    (rows,) = wire_rows("dead_letters", [ROW.to_json(), ROW.to_json()])
    assert rows.attributes == {"table": "dead_letters", "count": "2"}
    assert rows.data.split(b"\n") == [ROW.to_json()] * 2
    assert wire(LETTER).attributes == {"job": "coordination", "reason": "not_json"}
    (line,) = lines(ROW)
    assert orjson.loads(line) == {"table": "dead_letters", "row": orjson.loads(ROW.to_json())}
    assert lines(LETTER) == [LETTER.to_json() + b"\n"]


def test_rows_are_parted_before_a_message_is_too_large_to_be_read() -> None:
    wires = list(wire_rows("messages", [b"x" * 400_000] * 5))
    assert [each.attributes["count"] for each in wires] == ["2", "2", "1"]
    assert all(len(each.data) <= MAX_MESSAGE_BYTES for each in wires)


def test_nothing_else_travels() -> None:
    with pytest.raises(TypeError, match="str does not travel on a topic"):
        wire("a string")


def test_sent_at_is_carried_on_by_what_is_passed_on_and_by_rows_and_not_by_a_new_message() -> None:
    said = message("ann", 0)
    outputs = [Output("inbox", said.to("bob")), Output("rows", ROW), Output("messages", message("ann", 1))]
    sent = [emission.sent_at for emission in emissions_of(entry(said), outputs)]
    assert sent == ["2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", None]
    assert [emission.sent_at for emission in emissions_of(entry(said, None), outputs)] == [None, None, None]


def test_emissions_have_one_order_and_survive_the_way_between_workers() -> None:
    register_contract_coders()
    coder = registry.get_coder(Emission)
    assert isinstance(coder, EmissionCoder)
    emissions = emissions_of(
        entry(message("ann", 0)), [Output("rows", ROW), Output("dead_letters", LETTER)], 5
    )
    assert [emission.order for emission in emissions] == [("main", 7, 5), ("main", 7, 6)]
    assert [coder.decode(coder.encode(emission)) for emission in emissions] == emissions
