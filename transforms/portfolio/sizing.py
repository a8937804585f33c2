"""Moved to contracts/risk/sizing.py."""

from contracts.risk.sizing import *  # noqa: F403
