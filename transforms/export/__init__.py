"""Export: rows to BigQuery and to the live view, off the path of any decision."""
