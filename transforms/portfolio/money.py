"""Moved to contracts/risk/money.py."""

from contracts.risk.money import *  # noqa: F403
