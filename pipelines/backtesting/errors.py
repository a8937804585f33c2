"""What stops a backtest."""


class BacktestError(Exception):
    """Raised for what the user can mend; the text is one sentence that says what is wrong and how to go on."""


class Interrupted(Exception):
    """Raised when the user or the system stops a backtest; the text says what is kept of it."""
