"""A local exchange that speaks Aster's v3 API, for tests and any ccxt program: simulated, on execution/matching."""
