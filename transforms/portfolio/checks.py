"""Moved to contracts/risk/checks.py."""

from contracts.risk.checks import *  # noqa: F403
