"""Tests that run the whole local stack."""
