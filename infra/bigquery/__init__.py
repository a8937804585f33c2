"""BigQuery: the tables' schemas as files, what creates tables and views, and the views themselves."""
