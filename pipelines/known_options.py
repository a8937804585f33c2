"""Options that somebody knows: Beam ignores what it does not know, and a misspelt option would change nothing in silence."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NoReturn

from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options import PipelineOptions

_NEAR = 0.75
"""How alike two options are, of 1, for the one to be a slip of the other."""


class OptionError(ValueError):
    """Raised for an option that nobody knows, or whose value cannot be; the text is one sentence."""


class _Parser(pipeline_options._BeamArgumentParser):  # Beam's own, by which its classes add their options
    def __init__(self, kinds: Iterable[type[PipelineOptions]]) -> None:
        # A job's own class is there twice when its module was imported before it is run.
        super().__init__(allow_abbrev=False, add_help=False, conflict_handler="resolve")
        for kind in kinds:
            kind._add_argparse_args(self)

    @property
    def names(self) -> list[str]:
        """The options that it knows."""
        return list(self._option_string_actions)

    def error(self, message: str) -> NoReturn:
        raise OptionError(message.removeprefix("argument "))


def check_options(arguments: Sequence[str], ours: Iterable[str] = ()) -> None:
    """Raises `OptionError` for what no class of options, Beam's or ours, knows; the hint looks among our own first.

    `ours` are options that no such class has, because they were taken out of the arguments already.
    """
    kinds = PipelineOptions.__subclasses__()
    everyone = _Parser(kinds)
    _, left_over = everyone.parse_known_args(list(arguments))
    if not left_over:
        return
    told = next((argument for argument in left_over if argument.startswith("-")), left_over[0])
    name = told.partition("=")[0]
    own = [*ours, *_Parser(kind for kind in kinds if not kind.__module__.startswith("apache_beam.")).names]
    near = get_close_matches(name, own, 1, _NEAR) or get_close_matches(name, everyone.names, 1, _NEAR)
    hint = f"did you mean {near[0]}?" if near else "--help lists what there is"
    raise OptionError(f"{name} is no option, neither here nor of Beam: {hint}")
