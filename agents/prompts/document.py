"""The JSON document of a prompt, made of parts: each is written and counted once, however often it is shown.

Tokens add up over the parts, because JSON has a sign between any two of them, and no word reaches over a sign. So what
fits is known without writing each shorter form of the whole.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from agents.prompts.tokens import estimated_tokens
from contracts.model import Contract

_JSON = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


class Part(NamedTuple):
    """A text, and the tokens that it counts for."""

    text: str
    tokens: int


def counted(text: str) -> Part:
    """The text as it is."""
    return Part(text, estimated_tokens(text))


def part(value: object) -> Part:
    """A value as JSON, the names in order."""
    return counted(_JSON.encode(value))


def object_of(parts: Mapping[str, Part]) -> Part:
    """The JSON object with these fields."""
    named = [(_name(name), parts[name]) for name in sorted(parts)]
    text = ",".join([name.text + field.text for name, field in named])
    return Part("{" + text + "}", _signs(named) + sum([name.tokens + field.tokens for name, field in named]))


@lru_cache(maxsize=1_024)
def text_part(text: str | None) -> Part:
    """A short text as JSON, such as a symbol; one that is shown again is remembered."""
    return part(text)


def array_of(parts: Sequence[Part]) -> Part:
    """The JSON array of these."""
    return Part(
        "[" + ",".join([one.text for one in parts]) + "]", _signs(parts) + sum([one.tokens for one in parts])
    )


def remembered(value: Contract | Mapping[str, float] | None) -> Part:
    """A contract, or numbers by name, as JSON; the very same one is written and counted once.

    It is known by its identity: equal ones need not be written alike (1.0 and 1.00, 0.0 and -0.0).
    """
    known = _REMEMBERED.get(id(value))
    if known is not None:
        return known[1]
    if len(_REMEMBERED) >= _MOST_REMEMBERED:
        _REMEMBERED.clear()
    made = part(value.model_dump(mode="json") if isinstance(value, Contract) else value)
    _REMEMBERED[id(value)] = value, made
    return made


_MOST_REMEMBERED = 4_096
_REMEMBERED: dict[int, tuple[object, Part]] = {}
"""By identity; what is remembered is kept, so that nothing else can have its identity."""


@lru_cache(maxsize=1_024)
def prices_part(prices: tuple[float, ...]) -> Part:
    """Prices as a JSON array, remembered: several agents are shown the same ones at a time, and most of them again."""
    return array_of([_price(price) for price in prices])


@lru_cache(maxsize=8_192)
def _price(price: float) -> Part:
    return part(price)


@lru_cache(maxsize=1_024)
def _name(name: str) -> Part:
    return counted(json.dumps(name) + ":")


def _signs(parts: Sequence[Any]) -> int:
    """Brackets and commas."""
    return 2 + max(len(parts) - 1, 0)
