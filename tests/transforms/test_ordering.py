"""Ordering: positions and lateness in a stream and in a bounded run, the idle timer, and what is refused."""

import json
from collections.abc import Iterator

import orjson
import pytest
from apache_beam.testing.test_stream import TestStream

from contracts.controls import Control
from contracts.message import Message
from contracts.refusals import MAX_MESSAGE_BYTES, Reason, Refusal
from tests.transforms.coordination.desk import ROSTER, SECOND, START, Talk, message
from tests.transforms.jobs import Run, raw, run_bounded, run_stream
from transforms.coordination.desk import Coordination
from transforms.core import Output
from transforms.keeping import KeptCores
from transforms.log import LogEntry, Opening, Raw
from transforms.ordering import IN_A_ROW, Idle

IDLE_SECONDS = 5.0


def coordination(desk: str) -> Coordination:
    return Coordination(desk, ROSTER)


class Echo:
    """Says each message again, and when it is flushed the last one."""

    def __init__(self, key: str) -> None:
        self._last: str | None = None

    def apply(self, entry: LogEntry) -> list[Output]:
        self._last = entry.value.to_json().decode()
        return [Output("echo", entry.value)]

    def flush(self) -> list[Output]:
        return [Output("flushed", Message.from_json(self._last))] if self._last else []

    def dump(self) -> bytes:
        return orjson.dumps(self._last)

    def restore(self, state: bytes) -> None:
        self._last = orjson.loads(state)


def stream_clock() -> float:
    """The stream's processing time starts at 0; the test below advances it and never asks the machine."""
    return 0.0


def test_a_stream_takes_messages_as_they_come_and_flags_the_late_one() -> None:
    """The worked timeline.

    T0  a (10 s)    position 1
    T1  c (12 s)    position 2
    T2  b (11 s)    position 3, late: judged at 12 s
    T3  b again     position 4, duplicate
    T4  not JSON    no position: a dead letter
    T5  d (13 s)    position 5
    """
    a, b, c, d = (
        message("ann", at, message_id=name) for name, at in zip("abcd", (10, 11, 12, 13), strict=True)
    )

    def script(stream: TestStream) -> TestStream:
        for arriving in (raw(a), raw(c), raw(b), raw(b), raw(b"{not json"), raw(d)):
            stream = stream.add_elements([arriving])
        return stream

    ran = run_stream(script, coordination)
    rows = [row for row in ran.values("rows") if row.table == "messages"]
    assert [(row.position, row.message_id, row.verdict, row.late) for row in rows] == [
        (1, "a", "admitted", False),
        (2, "c", "admitted", False),
        (3, "b", "admitted", True),
        (4, "b", "duplicate", True),
        (5, "d", "throttled", False),
    ]
    (letter,) = ran.values("dead_letters")
    assert letter.reason == Reason.NOT_JSON
    assert [row.reason for row in ran.values("rows") if row.table == "dead_letters"] == [Reason.NOT_JSON]
    assert (ran.counts["in"], ran.counts["out"], ran.counts["refused"]) == (6, 5, 1)


def test_a_bounded_run_sorts_by_time_and_id() -> None:
    a, b, c = (message("ann", at, message_id=name) for name, at in zip("abc", (10, 11, 11), strict=True))
    ran = run_bounded([raw(c), raw(b), raw(a)], coordination)
    rows = [row for row in ran.values("rows") if row.table == "messages"]
    assert [(row.position, row.message_id, row.late) for row in rows] == [
        (1, "a", False), (2, "b", False), (3, "c", False),
    ]  # fmt: skip


def test_the_same_log_gives_the_same_bytes_on_any_runner_and_in_any_arrival_order() -> None:
    log = [raw(message(sender, at)) for at in range(40) for sender in ("ann", "bob", "cid")]
    forwards = run_bounded(log, coordination)
    backwards = run_bounded(log[::-1], coordination, runner="BundleBasedDirectRunner")
    streamed = run_stream(lambda stream: stream.add_elements(sorted(log, key=_time_and_id)), coordination)
    lines = [
        [(e.port, e.order, e.value.to_json()) for e in ran.emissions]
        for ran in (forwards, backwards, streamed)
    ]
    assert lines[0] == lines[1] == lines[2]
    assert len(lines[0]) > 150


def _time_and_id(raw: Raw) -> tuple[str, str]:
    content = json.loads(raw.data)
    return content["event_time"], content["message_id"]


def test_an_idle_key_is_flushed_once_by_the_timer_and_a_later_message_sets_it_again() -> None:
    """T0 a, T4 nothing yet, T6 flushed; then b at T6, flushed at T12 (the injected clock says 0, so at its 5 s: at once)."""
    a, b = message("ann", 1, message_id="a"), message("ann", 2, message_id="b")

    def script(stream: TestStream) -> TestStream:
        return (
            stream.add_elements([raw(a)])
            .advance_processing_time(4)
            .advance_processing_time(2)
            .add_elements([raw(b)])
            .advance_processing_time(6)
        )

    ran = run_stream(script, Echo, idle=Idle(IDLE_SECONDS), now=stream_clock)
    assert [said.message_id for said in ran.values("echo")] == ["a", "b"]
    assert [said.message_id for said in ran.values("flushed")] == ["a", "b"]


def test_without_an_idle_time_a_stream_never_flushes_and_a_bounded_run_does_at_its_end() -> None:
    said = raw(message("ann", 1))
    streamed = run_stream(lambda stream: stream.add_elements([said]).advance_processing_time(1_000), Echo)
    assert streamed.values("flushed") == []
    assert len(run_bounded([said], Echo).values("flushed")) == 1


def test_desks_do_not_share_a_log() -> None:
    def on(desk: str) -> Raw:
        return raw(json.loads(message("ann", 1, message_id="m").to_json()) | {"desk": desk})

    ran = run_bounded([on("main"), on("other")], coordination)
    rows = [row for row in ran.values("rows") if row.table == "messages"]
    assert [(row.desk, row.position, row.verdict) for row in rows] == [
        ("main", 1, "admitted"),
        ("other", 1, "admitted"),
    ]


GOOD = json.loads(message("ann", 1, message_id="good").to_json())


def but(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def without(field: str) -> bytes:
    return json.dumps({name: value for name, value in GOOD.items() if name != field}).encode()


BAD: dict[str, tuple[bytes, Reason, str]] = {
    "not JSON": (b"{not json", Reason.NOT_JSON, "Expecting property name"),
    "not UTF-8": (b"\xff\xfe", Reason.NOT_JSON, ""),
    "empty": (b"", Reason.NOT_JSON, "Expecting value"),
    "a list": (b"[1]", Reason.WRONG_FIELD, "a message is a JSON object, not a list"),
    "unknown type": (but(type="GOSSIP"), Reason.UNKNOWN_TYPE, "unknown type 'GOSSIP'"),
    "no type": (without("type"), Reason.UNKNOWN_TYPE, "unknown type None"),
    "a type that is none": (but(type=[]), Reason.UNKNOWN_TYPE, "unknown type []"),
    "nested without end": (b"[" * 100_000, Reason.NOT_JSON, "recursion"),
    "a payload nested too deep": (
        json.dumps(GOOD).replace('"payload": {', '"payload": {"x": ' + "[" * 5_000 + "]" * 5_000 + ", ").encode(),
        Reason.NOT_JSON, "recursion",
    ),
    "wrong field": (
        but(payload=GOOD["payload"] | {"conviction": 2}),
        Reason.WRONG_FIELD,
        "conviction: Input should be less than or equal to 1",
    ),
    "a field too many": (but(mood="good"), Reason.WRONG_FIELD, "mood: Extra inputs are not permitted"),
    "a missing field": (without("sender"), Reason.WRONG_FIELD, "sender: Field required"),
    "future schema": (but(schema_version=99), Reason.FUTURE_SCHEMA, "schema_version 99"),
    "future schema, unknown field": (but(schema_version=2, mood="good"), Reason.FUTURE_SCHEMA, "schema_version 2"),
    "ten megabytes": (b"x" * 10_000_000, Reason.TOO_LARGE, f"10000000 bytes; the limit is {MAX_MESSAGE_BYTES}"),
    "naive event_time": (but(event_time="2024-01-15T00:00:00"), Reason.WRONG_FIELD, "event_time: "),
    "numeric event_time": (but(event_time=1705276800), Reason.WRONG_FIELD, "event_time (ISO 8601 with a zone)"),
    "event_time before all time": (
        but(event_time="0001-01-01T00:00:00+14:00"), Reason.WRONG_FIELD, "outside of the years 1970 to 2199",
    ),
    "event_time after all time": (
        but(event_time="9999-12-31T23:59:59-14:00"), Reason.WRONG_FIELD, "outside of the years 1970 to 2199",
    ),
    "desk is a number": (but(desk=7), Reason.WRONG_FIELD, "desk: "),
    "desk is a list": (but(desk=["main"]), Reason.WRONG_FIELD, "desk: "),
    "id is null": (but(message_id=None), Reason.WRONG_FIELD, "message_id: "),
}  # fmt: skip


def test_bad_input_becomes_dead_letters_with_their_reasons_and_nothing_is_lost() -> None:
    raws = [raw(data, case=case) for case, (data, _, _) in BAD.items()]
    for ran in (
        run_bounded([*raws, raw(GOOD)], coordination),
        run_stream(lambda stream: stream.add_elements([*raws, raw(GOOD)]), coordination),
    ):
        letters = {json.loads(letter.attributes)["case"]: letter for letter in ran.values("dead_letters")}
        assert {case: letter.reason for case, letter in letters.items()} == {
            case: reason for case, (_, reason, _) in BAD.items()
        }
        for case, (data, _, error) in BAD.items():
            assert error in letters[case].error, case
            assert letters[case].size == len(data)
            assert len(letters[case].payload) <= 4_096
        assert (ran.counts["in"], ran.counts["out"], ran.counts["refused"]) == (len(BAD) + 1, 1, len(BAD))
        assert [row.verdict for row in ran.values("rows") if row.table == "messages"] == ["admitted"]


def test_many_read_in_a_row_are_applied_one_after_the_other() -> None:
    """Every seventh of a long log is refused where it stands: positions and lateness are those of one message at a time."""
    long = 2 * IN_A_ROW + 3
    said = [message("ann", at) for at in range(long)]
    said[IN_A_ROW + 1] = message("ann", 2)
    raws = [raw(one) for one in said]
    raws[::7] = [raw({**json.loads(one.to_json()), "extra": 1}) for one in said[::7]]
    bounded = run_bounded(raws, coordination)
    streamed = run_stream(lambda stream: stream.add_elements(raws), coordination)
    refused = len(range(0, long, 7))
    for ran in (bounded, streamed):
        assert [row.position for row in messages_of(ran)] == list(range(1, long - refused + 1))
        assert len(ran.values("dead_letters")) == refused
    taken = [one.message_id for number, one in enumerate(said) if number % 7]
    assert [row.message_id for row in messages_of(streamed)] == taken
    assert [row.message_id for row in messages_of(streamed) if row.late] == [said[IN_A_ROW + 1].message_id]
    assert not any(row.late for row in messages_of(bounded))


def messages_of(ran: Run) -> list:
    return [row for row in ran.values("rows") if row.table == "messages"]


def test_a_job_that_refuses_too_much_in_a_row_stops() -> None:
    with pytest.raises(RuntimeError, match="4 messages in a row were refused, the last because: Expecting"):
        run_bounded([raw(b"{")] * 4, coordination, dead_letter_limit=3)


def test_a_dead_letters_id_follows_from_what_was_refused() -> None:
    first, second = (run_bounded([raw(b"{")], coordination).values("dead_letters")[0] for _ in range(2))
    assert first == second


def restore_control(state: dict, core: str = "coordination") -> Message:
    return message("launcher", 20, Control(action="restore", issued_by="launcher", core=core, state=state))


def test_a_log_without_state_begins_with_its_opening_and_goes_on_from_its_position() -> None:
    """Another process heard a at position 41; here a comes again and b is new."""
    a, b = message("ann", 20, message_id="a"), message("ann", 21, message_id="b")
    before = Talk()
    before.hear(a)
    control = restore_control(orjson.loads(before.core.dump()))
    openings = {"main": Opening((raw(control),), START + 20 * SECOND, 41)}

    def script(stream: TestStream) -> TestStream:
        return stream.add_elements([raw(a)]).add_elements([raw(b)])

    ran = run_stream(script, coordination, openings=openings)
    rows = [row for row in ran.values("rows") if row.table == "messages"]
    assert [(row.position, row.message_id, row.verdict) for row in rows] == [
        (42, control.message_id, "admitted"), (43, "a", "duplicate"), (44, "b", "admitted"),
    ]  # fmt: skip
    assert (ran.counts["in"], ran.counts["out"], ran.counts["refused"]) == (2, 2, 0)


def test_an_opening_that_is_no_message_stops_the_job_before_it_begins() -> None:
    with pytest.raises(Refusal):
        run_stream(lambda stream: stream, coordination, openings={"main": Opening((raw(b"{}"),), 0, 1)})


def test_a_stream_tells_its_state_at_most_every_ten_seconds() -> None:
    clock = iter([100.0, 105.0, 110.0])
    said = [message("ann", at, message_id=f"t{at}") for at in (30, 31, 32)]

    def script(stream: TestStream) -> TestStream:
        for one in said:
            stream = stream.add_elements([raw(one)])
        return stream

    KeptCores.of("coordination").__init__()  # type: ignore[misc]
    _clocks["told"] = clock
    ran = run_stream(script, coordination, tells_state=True, now=scripted_clock)
    told = [row for row in ran.values("rows") if row.table == "core_states"]
    assert [(row.core, row.desk, row.position, row.told_at.timestamp()) for row in told] == [
        ("coordination", "main", 1, 100.0), ("coordination", "main", 3, 110.0),
    ]  # fmt: skip
    expected = Talk()
    for one in said:
        expected.hear(one)
    assert orjson.loads(told[-1].state) == orjson.loads(expected.core.dump())


_clocks: dict[str, Iterator[float]] = {}


def scripted_clock() -> float:
    """The next moment of the test's script; a function of the module, because DoFns are pickled."""
    return next(_clocks["told"])
