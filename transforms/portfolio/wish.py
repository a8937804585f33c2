"""Moved to contracts/risk/wish.py."""

from contracts.risk.wish import *  # noqa: F403
