"""Ids that sort by time, fit a venue's client order id (36 characters), and repeat when they are derived."""

import hashlib
import os
from datetime import datetime

from contracts.time import from_micros, to_micros

_TIME_DIGITS = 14
_TAIL_DIGITS = 20


def new_id(moment: datetime) -> str:
    """A fresh id: 14 hex digits of microseconds, a dash, 20 random hex digits."""
    return f"{to_micros(moment):0{_TIME_DIGITS}x}-{os.urandom(_TAIL_DIGITS // 2).hex()}"


def derived_id(moment: datetime, *parts: str) -> str:
    """The id that follows from `parts`: the same parts give the same id, on any machine and in any replay."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=_TAIL_DIGITS // 2)
    return f"{to_micros(moment):0{_TIME_DIGITS}x}-{digest.hexdigest()}"


def time_of(identifier: str) -> datetime:
    """The moment that an id was made from; raises ValueError when it is not one of ours."""
    return from_micros(int(identifier[:_TIME_DIGITS], 16))
