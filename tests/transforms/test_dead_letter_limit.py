"""The dead-letter limit: one too many in a row stops; something accepted begins anew; 0 is never."""

import pytest

from transforms.dead_letter_limit import DeadLetterLimit, DeadLetterLimitExceeded


def test_one_too_many_in_a_row_stops_and_says_the_last_error() -> None:
    limit = DeadLetterLimit(2)
    limit.refused("a")
    limit.refused("b")
    with pytest.raises(
        DeadLetterLimitExceeded, match=r"3 messages in a row were refused, the last because: c\."
    ):
        limit.refused("c")


def test_what_is_accepted_between_begins_anew() -> None:
    limit = DeadLetterLimit(1)
    for _ in range(5):
        limit.refused("a")
        limit.accepted()


def test_zero_is_never() -> None:
    limit = DeadLetterLimit(0)
    for _ in range(5_000):
        limit.refused("a")
