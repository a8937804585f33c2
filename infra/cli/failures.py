"""How errors reach the user: one sentence on stderr, no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
        from rich.console import Console

        console = Console(stderr=True, soft_wrap=True)
        console.print(f"sapphire: {error}", style="red", markup=False, highlight=False)
        sys.exit(USER_ERROR)


_KNOWN = (
    "google.api_core.exceptions.GoogleAPIError",
    "google.auth.exceptions.GoogleAuthError",
    "contracts.risk.limits_file.LimitsError",
    "agents.deployment.deploying.DeploymentError",
    "contracts.roster.RosterError",
    "execution.ledger.backup.BackupError",
    "execution.ledger.migration.OldLedger",
    "execution.ledger.verification.LedgerDisagrees",
    "infra.bigquery.creation.CreationError",
    "infra.local.errors.StackError",
)


def _known() -> tuple[type[Exception], ...]:
    """The errors that a user can put right; one whose module was never loaded cannot have been raised."""
    split = (name.rpartition(".") for name in _KNOWN)
    return UsageError, *(
        getattr(sys.modules[module], name) for module, _, name in split if module in sys.modules
    )
