"""Moved to contracts/risk/book.py."""

from contracts.risk.book import *  # noqa: F403
