"""The streaming direct runner, made fit for a whole desk: it remembers, takes a burst at once, and can stop well.

For every bundle and step it inspects each method of the DoFn three times over, asks it for its states and timers, and
pickles it: more than half of the processor time of a job, profiled. None of that changes while a job runs, so here it is
done once. And a bundle costs it about 20 ms however little is in it: of a minute's thirty proposals the last ones, pulled
ten at a time, would wait for two bundles before theirs. Nothing else is touched, and no other runner is.
"""

import threading
from typing import Any
from weakref import WeakKeyDictionary

from apache_beam.internal import pickler
from apache_beam.runners.direct import transform_evaluator
from apache_beam.transforms import core, userstate
from google.api_core.exceptions import DeadlineExceeded

Arguments = tuple[list[str], list[Any]]


def remember_signatures() -> None:
    """Make Beam keep the arguments and defaults of each function that it has inspected; call it once, before a run."""
    inspect_arguments = core.get_function_args_defaults
    known: WeakKeyDictionary[Any, Arguments] = WeakKeyDictionary()

    def remembered(function: Any) -> Arguments:
        # A bound method is made anew at each access, and lacks the argument that its function has.
        if (plain := getattr(function, "__func__", None)) is None:
            return inspect_arguments(function)
        if plain not in known:
            known[plain] = inspect_arguments(function)
        return known[plain]

    core.get_function_args_defaults = remembered


def remember_dofns() -> None:
    """Make the runner keep each DoFn's pickled form, and each of its classes' states and timers; call it once."""
    specs_of: Any = transform_evaluator.get_dofn_specs
    specs: dict[type, Any] = {}

    def remembered_specs(dofn: Any) -> Any:
        kind = type(dofn)
        if kind not in specs:
            specs[kind] = specs_of(dofn)
        return specs[kind]

    for module in (transform_evaluator, userstate):
        module.get_dofn_specs = remembered_specs
        module.is_stateful_dofn = lambda dofn: any(remembered_specs(dofn))
    transform_evaluator.pickler = _RememberedPickles()


class _RememberedPickles:
    """Beam's pickler as the evaluator uses it: for a copy of the same DoFn in every bundle."""

    def __init__(self) -> None:
        self._pickled: WeakKeyDictionary[Any, bytes] = WeakKeyDictionary()

    def roundtrip(self, dofn: Any) -> Any:
        """A copy; it is pickled the first time and unpickled every time."""
        if dofn not in self._pickled:
            self._pickled[dofn] = pickler.dumps(dofn, use_zlib=False)
        return pickler.loads(self._pickled[dofn], use_zlib=False)

    def __getattr__(self, name: str) -> Any:
        return getattr(pickler, name)


_MOST_PULLED = 50
"""Messages in a bundle, where the runner asks for ten."""


class _WidePull:
    """A subscriber client that is asked for ten messages and pulls more."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def pull(self, **asked: Any) -> Any:
        return self._client.pull(**asked | {"max_messages": _MOST_PULLED})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class Pulling:
    """The runner's reading of Pub/Sub: a burst at once, and made to end before the runner does.

    It acknowledges what it pulls and then works on it: cancelled in between, that would be lost. It pulls again only
    when nothing is under way any more, so the first pull after `stop` says that all is done.

        stop()    a pull that is under way brings its last messages
        ...       they are worked on and published
        next      would be pulled: nothing is, and `stop` returns
    """

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._done = threading.Event()
        read = transform_evaluator._PubSubReadEvaluator
        client_of = read._get_subscriber_client
        read._get_subscriber_client = staticmethod(lambda transform: _WidePull(client_of(transform)))
        pull = read._read_from_pubsub

        def pull_until_stopped(evaluator: Any, timestamp_attribute: Any) -> list[Any]:
            if self._stopping.is_set():
                self._done.set()
                return []
            try:
                return pull(evaluator, timestamp_attribute)
            except DeadlineExceeded:  # nothing came
                return []

        read._read_from_pubsub = pull_until_stopped

    def stop(self, seconds: float) -> bool:
        """Pull no more; whether all that was pulled is done within `seconds`."""
        self._stopping.set()
        return self._done.wait(seconds)
