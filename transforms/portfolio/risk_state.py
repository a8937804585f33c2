"""Moved to contracts/risk/risk_state.py."""

from contracts.risk.risk_state import *  # noqa: F403
