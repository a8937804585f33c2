"""Decisions: what each model-backed agent knows, when it is asked, and what follows from its answer."""
