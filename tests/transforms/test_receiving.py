"""Receiving: the forms in which arrivals leave, what cannot be addressed, and what the counters say."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that

from tests.transforms.coordination.desk import message
from tests.transforms.jobs import raw
from transforms.counting import process_tally
from transforms.intake import MessageIntake
from transforms.log import Raw
from transforms.receiving import TOGETHER, UNREADABLE, Form, Receive

SAID = [message("ann", at, message_id=f"m{at}") for at in range(2 * TOGETHER + 7)]
DESKS = ("main", "other")


def keys(content: dict[str, Any]) -> tuple[str, ...]:
    """Every third message is on the log of both desks, and every eleventh on none."""
    number = int(content["message_id"][1:])
    return () if number % 11 == 0 else DESKS if number % 3 == 0 else DESKS[:1]


EXPECTED = Counter(
    (key, said.message_id, copy)
    for said in SAID
    for copy, key in enumerate(keys({"message_id": said.message_id}))
)


def received(form: Form, raws: Iterable[Raw], check: Any, intake: MessageIntake) -> Counter[str]:
    """What `check` makes of the elements that leave, on FnApiRunner; the counts of the run."""
    before = Counter(process_tally())
    with beam.Pipeline(runner="FnApiRunner", options=PipelineOptions([])) as pipeline:
        source = beam.Create(list(raws), reshuffle=False).with_output_types(Raw)
        assert_that(pipeline | "Raw" >> source | "Receive" >> Receive(intake, form), check)
    return Counter(process_tally()) - before


@pytest.mark.parametrize("form", [Form.ALONE, Form.TOGETHER])
def test_each_arrival_leaves_once_for_each_of_its_keys(form: Form) -> None:
    def check(elements: list[tuple[str, Iterable[Any]]]) -> None:
        found = Counter(
            (key, arrival.entry_id, arrival.copy) for key, arrivals in elements for arrival in arrivals
        )
        assert found == EXPECTED
        most = max(len(list(arrivals)) for _, arrivals in elements)
        assert most == 1 if form is Form.ALONE else 1 < most <= TOGETHER

    counts = received(form, map(raw, SAID), check, MessageIntake(keys))
    nobodys = sum(not keys({"message_id": said.message_id}) for said in SAID)
    assert counts == {"in": len(SAID), "out": nobodys}


def test_a_single_arrival_is_no_list() -> None:
    def check(elements: list[tuple[str, Any]]) -> None:
        assert Counter((key, one.entry_id, one.copy) for key, one in elements) == EXPECTED

    received(Form.SINGLE, map(raw, SAID), check, MessageIntake(keys))


@pytest.mark.parametrize("form", [Form.ALONE, Form.TOGETHER])
def test_what_cannot_be_addressed_has_a_key_of_its_own(form: Form) -> None:
    def check(elements: list[tuple[str, Iterable[Any]]]) -> None:
        assert [(key, one.raw.data) for key, some in elements for one in some] == [(UNREADABLE, b"{")]

    assert received(form, [raw(b"{")], check, MessageIntake()) == {"in": 1}
