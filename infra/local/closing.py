"""The end of a run: what came in drains, the tables are counted, the accounts are drawn up."""

import time
from collections.abc import Callable
from dataclasses import replace

from google.api_core.exceptions import GoogleAPICallError

from infra.bigquery.counting import rows_by_table, verdicts
from infra.local.accounting import balances, is_drained, unbalanced
from infra.local.bigquery import local_client
from infra.local.errors import StackError
from infra.local.evidence import Evidence, Witness
from infra.local.stack import Plan
from infra.local.summary import Summary

QUIET_SECONDS = 2.5
"""So long nothing may move before the desk is at rest: longer than any process keeps its counts back."""

DRAIN_SECONDS = 30.0

_LOOK_EVERY_SECONDS = 0.25


class Drain:
    """Tells from one look after the other when the desk has come to rest."""

    def __init__(self, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._quiet = quiet_seconds
        self._last: object = None
        self._since = 0.0

    def is_over(self, evidence: Evidence, now: float) -> bool:
        """Whether nothing waits and nothing has moved for the quiet time; `now` in seconds."""
        seen = (evidence.flows, evidence.counts, evidence.subscriptions)
        if seen != self._last:
            self._last, self._since = seen, now
        return is_drained(evidence) and now - self._since >= self._quiet


def draw_up(
    plan: Plan,
    witness: Witness,
    seconds: float,
    tick: Callable[[Evidence], None],
    limit_seconds: float = DRAIN_SECONDS,
) -> Summary:
    """Wait for the desk to come to rest and draw up its accounts, until they balance or time is up.

    A row may still be on its way into a table when all else is quiet already; what is lost stays lost. Raises
    `StackError` when BigQuery does not answer.
    """
    drain = Drain()
    deadline = time.monotonic() + limit_seconds
    while True:
        evidence = witness.look()
        tick(evidence)
        now = time.monotonic()
        if drain.is_over(evidence, now) or now > deadline:
            summary = _summarise(plan, evidence, seconds)
            if not unbalanced(summary.accounts) or now > deadline:
                return summary
        time.sleep(_LOOK_EVERY_SECONDS)


def _summarise(plan: Plan, evidence: Evidence, seconds: float) -> Summary:
    try:
        with local_client(plan.ports.bigquery, plan.project) as client:
            counted = replace(evidence, tables=rows_by_table(client, plan.dataset))
            told = verdicts(client, plan.dataset)
    except (GoogleAPICallError, OSError) as error:
        raise StackError(f"the tables cannot be counted: {error}") from None
    return Summary(seconds, counted, told, balances(counted, plan.jobs, plan.bots))


def complaints(summary: Summary) -> list[str]:
    """What is wrong with a run that went through: sentences for the user, none when all is well."""
    found = []
    if off := unbalanced(summary.accounts):
        found.append(f"the accounts do not balance: {', '.join(off)}")
    if letters := summary.counts["dead_letters"]:
        found.append(f"{letters} dead letters: the table dead_letters says what was refused where, and why")
    return found
