"""Tests of the sapphire command."""
