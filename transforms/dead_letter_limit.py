"""The dead-letter limit: a job that would refuse everything stops instead."""


class DeadLetterLimitExceeded(RuntimeError):
    """Too much in a row was refused: the fault is then not in the messages."""


class DeadLetterLimit:
    """Counts refusals in a row.

    One bad message is its sender's fault; a thousand in a row mean a wrong topic, a wrong schema or a broken job, and
    putting the whole stream aside would only hide it. 0 switches the limit off.
    """

    def __init__(self, most_in_a_row: int) -> None:
        self._most = most_in_a_row
        self._in_a_row = 0

    def accepted(self) -> None:
        """Something was taken in."""
        self._in_a_row = 0

    def refused(self, error: str) -> None:
        """Something was refused; raises `DeadLetterLimitExceeded` when it was one too many."""
        self._in_a_row += 1
        if self._most and self._in_a_row > self._most:
            raise DeadLetterLimitExceeded(
                f"{self._in_a_row} messages in a row were refused, the last because: {error}. "
                "Look at the dead-letters topic; --dead_letter_limit 0 switches this limit off."
            )
