"""Moved to contracts/risk/drawdown.py."""

from contracts.risk.drawdown import *  # noqa: F403
