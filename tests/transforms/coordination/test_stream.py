"""Coordination as a stream: its state lives between bundles, and what is kept only for a while is forgotten."""

import orjson
from apache_beam.testing.test_stream import TestStream

from contracts.controls import ControlAction
from tests.transforms.coordination.desk import ROSTER, Talk, control, message
from tests.transforms.jobs import Run, raw, run_stream
from transforms.coordination.desk import Coordination
from transforms.ordering import Idle

HOUR = 3_600.0


def coordination(desk: str) -> Coordination:
    return Coordination(desk, ROSTER)


def start_of_time() -> float:
    return 0.0


def verdicts(run: Run) -> list[tuple[str, float | None, bool]]:
    return [
        (row.verdict, row.retry_after_seconds, row.late)
        for row in run.values("rows")
        if row.table == "messages"
    ]


def heard(run: Run) -> list[tuple[int, str, str, bool]]:
    return [
        (row.position, row.recipient, row.reason, row.delivered)
        for row in run.values("rows")
        if row.table == "deliveries" and row.message_class == "chatter"
    ]


def test_the_worked_timeline() -> None:
    """Ann has 3 messages at once and one each 10 s; bob is her partner; each is its own bundle.

    T0  ann at 0 s                   in; bob and cid have never heard anything: the floor is due for both
    T1  ann at 0 s                   in; bob by relevance (0.93), cid not (0.16)
    T2  ann at 0 s                   in, the same; her burst is spent
    T3  ann at 0 s                   throttled: wait 10 s
    T4  bob's threshold is set to 1  critical: in, everyone hears it
    T5  ann at 10 s                  in; bob's threshold is out of reach
    T6  ann, dated back to 5 s       late, judged at 10 s: throttled, wait 10 s
    T7  T0 again                     late, and a duplicate
    """
    first = message("ann", 0)
    log = [
        first,
        message("ann", 0),
        message("ann", 0),
        message("ann", 0),
        message("console", 4, control(ControlAction.THRESHOLD, agent="bob", threshold=1.0)),
        message("ann", 10),
        message("ann", 5),
        first,
    ]

    def script(stream: TestStream) -> TestStream:
        for said in log:
            stream = stream.add_elements([raw(said)])
        return stream

    run = run_stream(script, coordination)
    assert verdicts(run) == [
        ("admitted", None, False),
        ("admitted", None, False),
        ("admitted", None, False),
        ("throttled", 10.0, False),
        ("admitted", None, False),
        ("admitted", None, False),
        ("throttled", 10.0, True),
        ("duplicate", None, True),
    ]
    assert heard(run) == [
        (1, "bob", "floor", True), (1, "cid", "floor", True),
        (2, "bob", "relevant", True), (2, "cid", "not_relevant", False),
        (3, "bob", "relevant", True), (3, "cid", "not_relevant", False),
        (6, "bob", "not_relevant", False), (6, "cid", "not_relevant", False),
    ]  # fmt: skip
    (audited,) = (row for row in run.values("rows") if row.table == "controls")
    assert (audited.position, audited.issued_by, audited.before, audited.after) == (
        5,
        "operator",
        "0.6",
        "1.0",
    )


def after_silence(watermark: float) -> Run:
    """Message a, silence until the watermark stands there, and a again."""

    def script(stream: TestStream) -> TestStream:
        return (
            stream.add_elements([raw(message("ann", 0, message_id="a"))])
            .advance_watermark_to(watermark)
            .add_elements([raw(message("ann", 1, message_id="a"))])
        )

    return run_stream(script, coordination, idle=Idle(HOUR, by_watermark=True), now=start_of_time)


def test_a_desk_that_is_silent_for_long_forgets_the_ids() -> None:
    """T0 a; the watermark is an hour on; T1 a again: it is new, at the next position. A second less: a duplicate."""
    assert [verdict for verdict, *_ in verdicts(after_silence(HOUR - 1))] == ["admitted", "duplicate"]
    forgotten = after_silence(HOUR + 1)
    assert [verdict for verdict, *_ in verdicts(forgotten)] == ["admitted", "admitted"]
    assert [row.position for row in forgotten.values("rows") if row.table == "messages"] == [1, 2]


def test_forgetting_leaves_the_state_of_the_agents_alone() -> None:
    talk = Talk()
    fresh = orjson.loads(talk.core.dump())["seen"]
    for number in range(100):
        talk.hear(message("ann", number))
    before = orjson.loads(talk.core.dump())
    assert talk.core.flush() == []
    after = orjson.loads(talk.core.dump())
    assert after == before | {"seen": fresh}
    assert len(before["seen"]["ann"][1]) > 1_000
