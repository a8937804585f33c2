"""Tests of the BigQuery schemas, tables and views."""
