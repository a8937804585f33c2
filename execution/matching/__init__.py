"""The matching core: how a simulated venue fills orders, for the paper venue and for backtests alike. Pure."""
