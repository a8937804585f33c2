"""Answers: what a model wrote, read strictly; what does not fit is refused, never guessed at."""

from decimal import Decimal
from typing import Any

from agents.kinds.strictly import bad, read_strictly
from contracts.decisions import DecisionRequest, Opinion
from contracts.model import Name
from contracts.payloads import Side


class Answer(Opinion):
    """The object that a model answers with: its opinion, and the symbol that it is about."""

    symbol: Name


ANSWER_FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "strict": True, "schema": Answer.model_json_schema()},
}
"""The `response_format` of a chat request: a server with guided decoding can then write nothing else."""


def write_answer(opinion: Opinion, symbol: str) -> str:
    """The opinion as the text that `read_answer` reads."""
    return Answer.of_valid({**opinion.__dict__, "symbol": symbol}).to_json().decode()


def read_answer(text: str, request: DecisionRequest) -> Opinion:
    """The opinion in `text`, which must be one JSON object that fits `Answer` and the request.

    Raises `Refusal` (bad_answer) for anything else: prose around the JSON, a missing or unknown field, NaN,
    another symbol, a trade of size 0 or a HOLD with a size, stop or target on the wrong side of the price.
    """
    answer = read_strictly(text, Answer)
    _check(answer, request)
    return Opinion.of_valid({name: value for name, value in answer.__dict__.items() if name != "symbol"})


def _check(answer: Answer, request: DecisionRequest) -> None:
    if answer.symbol != request.symbol:
        raise bad(f"asked about {request.symbol}, answered about {answer.symbol}")
    if (answer.side is Side.HOLD) != (answer.size_fraction == 0.0):
        raise bad(f"a {answer.side} cannot have size_fraction {answer.size_fraction}")
    if answer.stop_loss is not None and not _beyond(request.price, answer.stop_loss, -answer.side.sign):
        raise bad(f"stop_loss {answer.stop_loss} is on the wrong side of {request.price} for a {answer.side}")
    if answer.take_profit is not None and not _beyond(request.price, answer.take_profit, answer.side.sign):
        raise bad(
            f"take_profit {answer.take_profit} is on the wrong side of {request.price} for a {answer.side}"
        )


def _beyond(price: Decimal, level: Decimal, direction: int) -> bool:
    """Whether `level` lies above (+1) or below (-1) the price; a HOLD (0) has no wrong side."""
    return direction == 0 or (level - price) * direction > 0
