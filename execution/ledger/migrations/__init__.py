"""The ledger's tables, step by step: alembic's environment and one file a revision."""
