"""The market as the desk sees it: bars, features and marks of each symbol, from the venue's events."""
