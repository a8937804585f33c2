"""Moved to contracts/risk/holding.py."""

from contracts.risk.holding import *  # noqa: F403
