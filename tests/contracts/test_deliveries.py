"""Deliveries: written side by side, they are the rows that they would be one by one."""

from datetime import UTC, datetime

import orjson
from hypothesis import given
from hypothesis import strategies as st

from contracts.controls import MessageClass
from contracts.coordination.participation import DeliveryReason
from contracts.message import MessageType
from contracts.rows.communication import Deliveries, DeliveryRow
from contracts.time import from_micros

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,40}", fullmatch=True)
degrees = st.floats(min_value=0.0, max_value=1.0)
verdicts = st.tuples(
    names, st.booleans(), st.sampled_from([str(r) for r in DeliveryReason]), degrees, degrees
)


@given(
    st.tuples(names, names, names, names),
    st.sampled_from(MessageType),
    st.integers(0, 7 * 10**15).map(from_micros),
    st.lists(verdicts, min_size=1, max_size=7),
)
def test_they_are_written_as_rows_are(given_names, kind, moment, found):
    row_id, desk, message_id, sender = given_names
    together = Deliveries(
        row_id=row_id, event_time=moment, desk=desk, position=7, message_id=message_id, sender=sender,
        type=kind, message_class=kind.message_class, verdicts=tuple(found),
    )  # fmt: skip
    one_by_one = [
        DeliveryRow(
            row_id=f"{row_id}.{recipient}"[:64], event_time=moment, desk=desk, position=7, message_id=message_id,
            sender=sender, recipient=recipient, type=kind, message_class=kind.message_class,
            delivered=delivered, reason=reason, relevance=relevance, threshold=threshold,
        )
        for recipient, delivered, reason, relevance, threshold in found
    ]  # fmt: skip
    assert together.rows == one_by_one
    written = together.rows_as_json()
    assert [list(orjson.loads(row)) for row in written] == [
        list(orjson.loads(row.to_json())) for row in one_by_one
    ]
    assert Deliveries.from_json(together.to_json()) == together


def test_the_bytes_are_those_of_a_row():
    moment = datetime(2024, 1, 15, 10, 0, 0, 250, tzinfo=UTC)
    together = Deliveries(
        row_id="r1", event_time=moment, desk="main", position=3, message_id="m1", sender="qwen-7b",
        type=MessageType.INSIGHT, message_class=MessageClass.CHATTER,
        verdicts=(("bob", True, "relevant", 0.75, 0.5),),
    )  # fmt: skip
    (row,) = together.rows
    assert together.rows_as_json() == [row.to_json()]
    assert row.row_id == "r1.bob"
