"""The local stack: what production has, on one machine, for the same clients."""
