"""Nonces: each is taken once, near the server's clock; the latest hundred of each signer are remembered. Pure.

within 60 s of the clock, and new   taken
known already                       refused: a replay
older than all that are remembered, once a hundred are   refused: it might be a replay
"""

from bisect import bisect_left, insort

_WINDOW_MICROS = 60_000_000
_REMEMBERED = 100


class NonceRefused(ValueError):
    """The request's nonce is used, too old or too new."""


class Nonces:
    """What every signer has used."""

    def __init__(self) -> None:
        self._used: dict[str, list[int]] = {}

    def take(self, signer: str, nonce: int, now_micros: int) -> None:
        """Use it up; raises `NonceRefused`."""
        if abs(nonce - now_micros) > _WINDOW_MICROS:
            raise NonceRefused("the nonce is not within 60 seconds of the server's clock, in microseconds")
        used = self._used.setdefault(signer, [])
        place = bisect_left(used, nonce)
        if place < len(used) and used[place] == nonce:
            raise NonceRefused("the nonce has been used")
        if len(used) >= _REMEMBERED:
            if place == 0:
                raise NonceRefused("the nonce is older than all that are remembered")
            del used[0]
        insort(used, nonce)
