"""Receiving: raw messages are addressed, one arrival for each key whose log they join.

Addressing is a cheap look at a few fields; what could not even be addressed goes to a key of its own, where reading it in
full will say what is wrong.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import Enum

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from contracts.refusals import Refusal
from transforms.counting import Held
from transforms.log import Arrival, Intake, Raw

_new = tuple.__new__  # a NamedTuple's own is written in Python, and every message arrives

UNREADABLE = "-"
"""The key of what could not even be addressed."""

TOGETHER = 100
"""So many arrivals of a key cross a shuffle as one element: by themselves they would cost it more than their reading."""


class _Address(beam.DoFn):
    """What the forms share: one arrival for each key that a raw message belongs to."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._in = Held("in")
        self._out = Held("out")

    def _arrivals(self, raw: Raw) -> list[tuple[str, Arrival]]:
        self._in.count += 1
        try:
            keys, event_micros, entry_id = self._intake.address(raw)
        except Refusal:
            return [(UNREADABLE, Arrival(raw.publish_micros, "", 0, raw))]
        if not keys:
            self._out.count += 1
        return [(key, _new(Arrival, (event_micros, entry_id, copy, raw))) for copy, key in enumerate(keys)]

    def _tell_counts(self) -> None:
        self._in.tell()
        self._out.tell()


class _Single(_Address):
    """Each arrival as it is."""

    def process(self, raw: Raw) -> Iterable[tuple[str, Arrival]]:
        return self._arrivals(raw)

    def finish_bundle(self) -> None:
        self._tell_counts()


class _Alone(_Address):
    """Each arrival by itself, in the form that those which were gathered have."""

    def process(self, raw: Raw) -> Iterable[tuple[str, Iterable[Arrival]]]:
        return [(key, (arrival,)) for key, arrival in self._arrivals(raw)]

    def finish_bundle(self) -> None:
        self._tell_counts()


class _Together(_Address):
    """The arrivals of a key by the hundred, the rest at the end of the bundle; for the one window of a bounded run."""

    def start_bundle(self) -> None:
        self._held: defaultdict[str, list[Arrival]] = defaultdict(list)

    def process(self, raw: Raw) -> Iterator[tuple[str, Iterable[Arrival]]]:
        for key, arrival in self._arrivals(raw):
            held = self._held[key]
            held.append(arrival)
            if len(held) == TOGETHER:
                yield key, self._held.pop(key)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        self._tell_counts()
        for arrivals in self._held.items():
            yield GlobalWindows.windowed_value(arrivals)


class Form(Enum):
    """In which form arrivals leave: the DoFn that gives it, and the type of its elements."""

    SINGLE = (_Single, tuple[str, Arrival])
    ALONE = (_Alone, tuple[str, Iterable[Arrival]])
    TOGETHER = (_Together, tuple[str, Iterable[Arrival]])


class Receive(beam.PTransform):
    """Raw messages to (key, arrival), or to (key, arrivals) in the forms that have several."""

    def __init__(self, intake: Intake, form: Form) -> None:
        super().__init__()
        self._intake = intake
        self._form = form

    def expand(self, raws: PCollection) -> PCollection:
        """One arrival for each key that a message belongs to."""
        address, element = self._form.value
        return raws | "Address" >> beam.ParDo(address(self._intake)).with_output_types(element)
