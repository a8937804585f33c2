"""Which streams meet where: one job a file, wiring only."""
