"""The backtest: the jobs' own cores in one deterministic loop over recorded data, many parameter sets side by side."""
