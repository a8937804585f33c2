"""Ordering: every keyed core is fed through here, and each entry gets its position in its key's log.

Neither Pub/Sub nor Beam promises an order, so it is made explicit:

* in a bounded run a key's arrivals are grouped and sorted by (event_time, entry id), on any runner;
* in a stream they are taken as they come; what is older than an entry before it is marked `late`.

Positions are on every row that follows, so what a stream really did can be read back and replayed:

    arrives      a (10:00:01)   b (10:00:03)   c (10:00:02)
    stream       position 1     position 2     position 3, late
    bounded      position 1     position 3     position 2
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple

import apache_beam as beam
import orjson
from apache_beam.coders import BytesCoder
from apache_beam.pvalue import PCollection
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from contracts.refusals import DeadLetter, Refusal, dead_letter
from contracts.rows.operations import DeadLetterRow
from contracts.time import from_micros
from transforms.core import DEAD_LETTERS, ROWS, Core, Output
from transforms.counting import METRICS as METRICS
from transforms.counting import Held, counter
from transforms.dead_letter_limit import DeadLetterLimit
from transforms.emission import Emission, emissions_of
from transforms.keeping import Kept, KeptCores
from transforms.log import Arrival, Intake, LogEntry, Opening, Raw
from transforms.receiving import UNREADABLE, Form, Receive

_new = tuple.__new__  # a NamedTuple's own is written in Python, and this is done for every message

CoreFactory = Callable[[str], Core]
"""Makes the core of a key that has no state yet."""


IN_A_ROW = 50
"""So many arrivals are read, then applied, then handed on: one by one, each of the three drives the others' code and data
out of the processor's caches, which costs a quarter of the time."""


class _KeyedLog:
    """One key's log as it grows: positions, lateness, refusals, and the core."""

    def __init__(
        self, step: "_Step", key: str, core: Core, position: int = 0, latest_micros: int = 0
    ) -> None:
        self._step = step
        self._key = key
        self.core = core
        self.position = position
        self.latest_micros = latest_micros

    def take(self, arrivals: Iterable[Arrival]) -> Iterator[Emission]:
        """Read the arrivals, put them into the log, apply the core."""
        rest = iter(arrivals)
        while some := list(islice(rest, IN_A_ROW)):
            values = [self._read(arrival.raw) for arrival in some]
            for emissions in [self._take(*read) for read in zip(some, values, strict=True)]:
                yield from emissions

    def _take(self, arrival: Arrival, value: Any) -> list[Emission]:
        if isinstance(value, Refusal):
            return self._refuse(arrival, value)
        event_micros, raw = arrival.event_micros, arrival.raw
        self.position += 1
        late = event_micros < self.latest_micros
        if not late:
            self.latest_micros = event_micros
        sent_at = raw.attributes.get("sent_at")
        entry = _new(
            LogEntry, (self._key, self.position, late, event_micros, value, sent_at, raw.publish_micros)
        )
        emissions = emissions_of(entry, self.core.apply(entry))
        self._step.handled(arrival)
        return emissions

    def _read(self, raw: Raw) -> Any:
        """What the arrival says, or why it says nothing."""
        try:
            value = self._step.intake.read(raw)
            if self._key == UNREADABLE:
                self._step.intake.address(raw)
        except Refusal as refusal:
            return refusal
        return value

    def open(self, opening: Opening) -> list[Emission]:
        """Begin where another process left off: its state is the first entry that this one takes."""
        self.position = opening.position
        return list(self.take(Arrival(opening.event_micros, "", 1, raw) for raw in opening.raws))

    def close(self) -> list[Emission]:
        """What the core still held open."""
        entry = LogEntry(self._key, self.position, False, self.latest_micros, None)
        return emissions_of(entry, self.core.flush(), _AFTER_ANY_ENTRY)

    def _refuse(self, arrival: Arrival, refusal: Refusal) -> list[Emission]:
        if arrival.copy:
            return []
        letter = self._step.refuse(arrival, refusal)
        entry = LogEntry(self._key, self.position, False, arrival.event_micros, None)
        outputs = [Output(DEAD_LETTERS, letter), Output(ROWS, DeadLetterRow.of(letter))]
        return emissions_of(entry, outputs, _AFTER_ANY_ENTRY)


_AFTER_ANY_ENTRY = 1_000_000
"""Flushed and refused emissions are numbered behind those of the entry at the same position."""


class _Step:
    """What the bounded and the streaming form share: the job's name, its intake, its counters and its limit."""

    def __init__(self, job: str, intake: Intake, dead_letter_limit: int) -> None:
        self.job = job
        self.intake = intake
        self._limit = DeadLetterLimit(dead_letter_limit)
        self._out = Held("out")
        self._refused = counter("refused")

    def handled(self, arrival: Arrival) -> None:
        self._limit.accepted()
        if arrival.copy == 0:
            self._out.count += 1

    def tell_counts(self) -> None:
        """Count what was handled; once a bundle, because counting costs as much as a verdict."""
        self._out.tell()

    def refuse(self, arrival: Arrival, refusal: Refusal) -> DeadLetter:
        self._limit.refused(refusal.error)
        self._refused.inc()
        raw = arrival.raw
        moment = from_micros(arrival.event_micros)
        return dead_letter(self.job, "intake", refusal, raw.data, moment, dict(raw.attributes))


class Gather(NamedTuple):
    """How long the arrivals of a key are held: until there are `most`, or for `seconds` after the first."""

    most: int
    seconds: float


class _ApplySorted(beam.DoFn):
    """The bounded form: a key's arrivals are all here; sort them and apply the core, no Beam state."""

    def __init__(self, step: _Step, core: CoreFactory) -> None:
        self._step = step
        self._core = core

    def process(self, element: tuple[str, Iterable[Iterable[Arrival]]]) -> Iterator[Emission]:
        key, bundles = element
        log = _KeyedLog(self._step, key, self._core_of(key))
        yield from log.take(sorted(chain.from_iterable(bundles), key=_by_time_and_id))
        yield from log.close()

    def finish_bundle(self) -> None:
        self._step.tell_counts()

    def _core_of(self, key: str) -> Core:
        return _Unreadable() if key == UNREADABLE else self._core(key)


def _by_time_and_id(arrival: Arrival) -> tuple[int, str, bytes]:
    return arrival.event_micros, arrival.entry_id, arrival.raw.data


class Idle(NamedTuple):
    """When a key's core is flushed: after so long without an arrival.

    By the clock, or by the watermark: a backlog holds the watermark back, so nothing is flushed before what waits on the
    topic was taken. Use the watermark where a flush gives something up.
    """

    seconds: float
    by_watermark: bool = False


class _Stream(NamedTuple):
    """How a stream is applied: see `ApplyInOrder`."""

    idle: Idle | None
    now: Callable[[], float]
    openings: Mapping[str, Opening]
    tells_state: bool


class _ApplyAsTheyCome(beam.DoFn):
    """The streaming form: the log's head and the core's state live in Beam state cells of the key."""

    _HEAD = ReadModifyWriteStateSpec("head", BytesCoder())
    _CORE = ReadModifyWriteStateSpec("core", BytesCoder())
    _IDLE = TimerSpec("idle", TimeDomain.REAL_TIME)
    _QUIET = TimerSpec("quiet", TimeDomain.WATERMARK)

    def __init__(self, step: _Step, core: CoreFactory, how: "_Stream") -> None:
        self._step = step
        self._core = core
        self._how = how

    def setup(self) -> None:
        self._kept = KeptCores.of(self._step.job)

    def process(
        self,
        element: tuple[str, Iterable[Arrival]],
        head: Any = beam.DoFn.StateParam(_HEAD),
        state: Any = beam.DoFn.StateParam(_CORE),
        idle: Any = beam.DoFn.TimerParam(_IDLE),
        quiet: Any = beam.DoFn.TimerParam(_QUIET),
    ) -> Iterator[Emission]:
        key, arrivals = element
        began = head.read()
        log = self._log(key, began, state.read())
        if began is None and key in self._how.openings:
            yield from log.open(self._how.openings[key])
        yield from log.take(arrivals)
        self._keep(log, key, head, state)
        yield from self._tell(log, key)
        if self._how.idle is not None:
            timer = quiet if self._how.idle.by_watermark else idle
            timer.set(Timestamp(self._how.now() + self._how.idle.seconds))

    def finish_bundle(self) -> None:
        self._step.tell_counts()

    @on_timer(_IDLE)
    def on_idle(
        self,
        key: Any = beam.DoFn.KeyParam,
        head: Any = beam.DoFn.StateParam(_HEAD),
        state: Any = beam.DoFn.StateParam(_CORE),
    ) -> Iterator[Emission]:
        yield from self._flush(key, head, state)

    @on_timer(_QUIET)
    def on_quiet(
        self,
        key: Any = beam.DoFn.KeyParam,
        head: Any = beam.DoFn.StateParam(_HEAD),
        state: Any = beam.DoFn.StateParam(_CORE),
    ) -> Iterator[Emission]:
        yield from self._flush(key, head, state)

    def _flush(self, key: str, head: Any, state: Any) -> list[Emission]:
        log = self._log(key, head.read(), state.read())
        emissions = log.close()
        self._keep(log, key, head, state)
        return emissions

    def _log(self, key: str, head: bytes | None, state: bytes | None) -> _KeyedLog:
        if key == UNREADABLE:
            return _KeyedLog(self._step, key, _Unreadable())
        position, latest_micros = orjson.loads(head) if head else (0, 0)
        return _KeyedLog(self._step, key, self._restored(key, state), position, latest_micros)

    def _restored(self, key: str, state: bytes | None) -> Core:
        kept = self._kept.take(key, state)
        if kept is not None:
            return kept
        core = self._core(key)
        if state is not None:
            core.restore(state)
        return core

    def _keep(self, log: _KeyedLog, key: str, head: Any, state: Any) -> None:
        if key == UNREADABLE:
            return
        dumped = log.core.dump()
        state.write(dumped)
        head.write(orjson.dumps((log.position, log.latest_micros)))
        self._kept.keep(key, Kept(dumped, log.core, log.position, log.latest_micros))

    def _tell(self, log: _KeyedLog, key: str) -> list[Emission]:
        if not self._how.tells_state or key == UNREADABLE:
            return []
        row = self._kept.row_if_due(self._step.job, key, self._how.now())
        entry = LogEntry(key, log.position, False, log.latest_micros, None)
        return emissions_of(entry, [Output(ROWS, row)], 2 * _AFTER_ANY_ENTRY) if row else []


class _Unreadable:
    """The core of the key of unreadable messages: they are refused before it is asked anything."""

    def apply(self, entry: LogEntry) -> list[Output]:
        return []

    def flush(self) -> list[Output]:
        return []

    def dump(self) -> bytes:
        return b""

    def restore(self, state: bytes) -> None:
        """There is nothing to take up."""


def _wall_seconds() -> float:
    return Timestamp.now().micros / 1e6


class ApplyInOrder(beam.PTransform):
    """Raw messages to emissions: address, put into the key's log, apply the key's core.

    Args:
        job: the job's name, for dead letters.
        intake: how raw messages are addressed and read.
        core: makes the core of a new key.
        streaming: whether arrivals are taken as they come (else grouped and sorted).
        gather: hold a key's arrivals (stream only) until there are so many or so long has passed; None takes each at
            once. Where nobody waits for the answer, state is then read and written once for many.
        idle: flush a key's core after so long without an arrival (stream only); None is never.
        dead_letter_limit: stop after so many refusals in a row; 0 is never.
        openings: what the log of a key begins with when the key has no state (stream only): the state that another
            process told, as a control. It comes before anything that waits on the topic. Raises `Refusal` for one that
            the intake does not take.
        tells_state: write each core's state as a row now and then (stream only); cores whose `dump` is JSON.
        now: wall clock in seconds, for the idle timer and the telling of states alone.
    """

    def __init__(
        self,
        job: str,
        intake: Intake,
        core: CoreFactory,
        *,
        streaming: bool,
        gather: Gather | None = None,
        idle: Idle | None = None,
        dead_letter_limit: int = 1_000,
        openings: Mapping[str, Opening] | None = None,
        tells_state: bool = False,
        now: Callable[[], float] = _wall_seconds,
    ) -> None:
        super().__init__()
        self._step = _Step(job, intake, dead_letter_limit)
        self._core = core
        self._streaming = streaming
        self._gather = gather
        self._how = _Stream(idle, now, openings or {}, tells_state)
        for opening in self._how.openings.values():
            for raw in opening.raws:
                intake.read(raw)

    def expand(self, raws: PCollection) -> PCollection:
        """The emissions, each with its place in the order of the run."""
        intake = self._step.intake
        if not self._streaming:
            return (
                raws
                | "Receive" >> Receive(intake, Form.TOGETHER)
                | "Group by key" >> beam.GroupByKey()
                | "Apply sorted"
                >> beam.ParDo(_ApplySorted(self._step, self._core)).with_output_types(Emission)
            )
        if self._gather is None:
            return self._as_they_come(raws | "Receive" >> Receive(intake, Form.ALONE))
        gathered = beam.GroupIntoBatches(*self._gather)
        return self._as_they_come(raws | "Receive" >> Receive(intake, Form.SINGLE) | "Gather" >> gathered)

    def _as_they_come(self, arrivals: PCollection) -> PCollection:
        stream = _ApplyAsTheyCome(self._step, self._core, self._how)
        return arrivals | "Apply as they come" >> beam.ParDo(stream).with_output_types(Emission)
