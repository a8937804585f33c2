"""The rows of BigQuery's tables: what every job tells about what it did."""
