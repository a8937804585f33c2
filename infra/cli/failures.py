"""How errors reach the user: one sentence on stderr, no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

USER_ERROR = 2


class UsageError(Exception):
    """What was asked for cannot be; the text says what to change."""


@contextmanager
def told_to_the_user() -> Iterator[None]:
    """Turn the errors that a user can put right into one sentence and exit code 2."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, _known()):
            raise
        Console(stderr=True, soft_wrap=True).print(
            f"sapphire: {error}", style="red", markup=False, highlight=False
        )
        sys.exit(USER_ERROR)


def _known() -> tuple[type[Exception], ...]:
    """Imported only when something went wrong: --help must not pay for it."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    from contracts.roster import RosterError
    from infra.bigquery.creation import CreationError
    from infra.local.errors import StackError

    return (UsageError, StackError, RosterError, CreationError, GoogleAuthError, GoogleAPIError)
