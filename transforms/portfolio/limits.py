"""Moved to contracts/risk/limits.py."""

from contracts.risk.limits import *  # noqa: F403
