"""The order ledger: orders, every step of their lives, fills, positions, and what is to be told."""
