"""The tally of a batch: what became of its events, every one of them."""

from typing import NamedTuple


class Tally(NamedTuple):
    """Events by what became of them.

    used: they are in an open bar or the book, or they were the latest when they came. late: they came after their (shortest)
    bar was closed, or after a newer quote or mark; a longer bar that was still open has them. unsound: their numbers cannot
    be. duplicate: they came already.
    """

    used: int = 0
    late: int = 0
    unsound: int = 0
    duplicate: int = 0
