"""Moved to contracts/risk/order_memory.py."""

from contracts.risk.order_memory import *  # noqa: F403
