"""The streaming direct runner, made fit for a whole desk on one machine.

For every bundle it asks `inspect.signature` about every method of the bundle's DoFn, three times over: half of the processor
time of a job, profiled. A function's signature does not change, so here it is asked once. Nothing else is touched, and no
other runner is.
"""

from typing import Any
from weakref import WeakKeyDictionary

from apache_beam.transforms import core

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
