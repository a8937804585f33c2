"""What stops a backtest."""


class BacktestError(Exception):
    """Raised for what the user can mend; the text is one sentence that says what is wrong and how to go on."""
