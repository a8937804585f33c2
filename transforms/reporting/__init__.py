"""The report on a desk: what it made, against what, and how sure one can be; pure, from a book's history to one page."""
