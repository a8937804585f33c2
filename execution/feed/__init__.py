"""The market as it comes in: recordings of it, and what plays them back."""
