"""Reading an answer strictly: one JSON object that fits its contract, or a refusal."""

from typing import TypeVar

import orjson
from pydantic import ValidationError

from contracts.model import Contract
from contracts.refusals import Reason, Refusal, describe

LONGEST = 8_000
"""Characters; the longest honest answer is a rationale of 4,000 and a few numbers."""

Read = TypeVar("Read", bound=Contract)


def read_strictly(text: str, model: type[Read]) -> Read:
    """The object in `text`; raises `Refusal` (bad_answer) for prose, other fields, numbers as text, NaN, too much."""
    if len(text) > LONGEST:
        raise bad(f"{len(text)} characters; the limit is {LONGEST}")
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise bad(f"not JSON alone: {error}") from None
    if not isinstance(content, dict):
        raise bad(f"a JSON object is needed, not a {type(content).__name__}")
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise bad(describe(error)) from None


def bad(error: str) -> Refusal:
    """The refusal of an answer."""
    return Refusal(Reason.BAD_ANSWER, error)
