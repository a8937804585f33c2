"""Benchmarks: every figure beside its peer, measured in the same run (make bench)."""
