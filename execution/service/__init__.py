"""The execution service: its API and the process around it."""
