"""The monthly report's way to its account: a desk's month out of BigQuery's tables, and its summary row back into them."""
