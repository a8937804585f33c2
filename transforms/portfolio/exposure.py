"""Moved to contracts/risk/exposure.py."""

from contracts.risk.exposure import *  # noqa: F403
