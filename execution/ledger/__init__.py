"""The order ledger: orders, every step of their lives, fills, positions, and the outbox of what is to be told."""
