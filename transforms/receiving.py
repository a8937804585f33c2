"""Receiving: raw messages are addressed, one arrival for each key whose log they join.

Addressing is a cheap look at a few fields; what could not even be addressed goes to a key of its own, where reading it in
full will say what is wrong.
"""

from collections import defaultdict
from collections.abc import Iterable
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
"""So many messages are addressed in a row, and their arrivals cross a shuffle as one element a key: each by itself would
cost it more than its reading."""


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
    """Those of a hundred messages by their keys, the rest at the end of the bundle; for the one window of a bounded run."""

    def start_bundle(self) -> None:
        self._held: list[Raw] = []

    def process(self, raw: Raw) -> Iterable[tuple[str, Iterable[Arrival]]]:
        self._held.append(raw)
        return self._by_key() if len(self._held) == TOGETHER else ()

    def finish_bundle(self) -> list[WindowedValue]:
        rest = [GlobalWindows.windowed_value(arrivals) for arrivals in self._by_key()]
        self._tell_counts()
        return rest

    def _by_key(self) -> Iterable[tuple[str, list[Arrival]]]:
        held, self._held = self._held, []
        by_key: defaultdict[str, list[Arrival]] = defaultdict(list)
        for raw in held:
            for key, arrival in self._arrivals(raw):
                by_key[key].append(arrival)
        return by_key.items()


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
