"""Coordination: who may speak on a desk, to whom, and how often."""
