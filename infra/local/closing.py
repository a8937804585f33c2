"""The end of a run: what came in drains, the tables are counted, the accounts are drawn up."""

import time
from collections.abc import Callable
from dataclasses import replace

from infra.local.accounting import balances, is_drained, unbalanced
from infra.local.bigquery import local_client
from infra.local.errors import StackError
from infra.local.evidence import Evidence, Witness
from infra.local.stack import Plan
from infra.local.summary import Summary

QUIET_SECONDS = 2.5
"""So long nothing may be counted before the desk is at rest: longer than any process keeps its counts back."""

SILENT_SECONDS = 8.0
"""So long no message may move: longer than export waits before it closes a silent desk's windows, and gathers."""

STUCK_SECONDS = 30.0
"""After so long without any movement what still waits will not come: the run ends with it as held."""

DRAIN_SECONDS = 300.0
"""At most so long is waited while things move: a run of hours at a high speed may leave much to write."""

_LOOK_EVERY_SECONDS = 0.25


class Drain:
    """Tells from one look after the other when the desk has come to rest."""

    def __init__(self, stuck_seconds: float = STUCK_SECONDS) -> None:
        self._messages = _Rest()
        self._counts = _Rest()
        self._stuck_seconds = stuck_seconds

    def is_over(self, evidence: Evidence, now: float) -> bool:
        """Whether nothing waits and nothing has moved for long enough; `now` in seconds."""
        self._see(evidence, now)
        return (
            is_drained(evidence)
            and now - self._messages.since >= SILENT_SECONDS
            and now - self._counts.since >= QUIET_SECONDS
        )

    def is_stuck(self, evidence: Evidence, now: float) -> bool:
        """Whether nothing has moved for so long that nothing will."""
        self._see(evidence, now)
        return now - max(self._messages.since, self._counts.since) >= self._stuck_seconds

    def _see(self, evidence: Evidence, now: float) -> None:
        self._messages.see((evidence.flows, evidence.subscriptions), now)
        self._counts.see(evidence.counts, now)


class _Rest:
    """Since when something has been as it is."""

    def __init__(self) -> None:
        self.since = 0.0
        self._last: object = None

    def see(self, value: object, now: float) -> None:
        if value != self._last:
            self._last, self.since = value, now


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
    drain = Drain(_longest_silence(plan))
    deadline = time.monotonic() + limit_seconds
    while True:
        evidence = witness.look()
        tick(evidence)
        now = time.monotonic()
        is_last = now > deadline or drain.is_stuck(evidence, now)
        if is_last or drain.is_over(evidence, now):
            summary = _summarise(plan, evidence, seconds)
            if is_last or not unbalanced(summary.accounts):
                return summary
        time.sleep(_LOOK_EVERY_SECONDS)


def _longest_silence(plan: Plan) -> float:
    """How long nothing may move before nothing will: longer than a language model may take for its last answers."""
    model = plan.language_model
    return STUCK_SECONDS if model is None else STUCK_SECONDS + model.deadline_seconds


def _summarise(plan: Plan, evidence: Evidence, seconds: float) -> Summary:
    # Imported late: BigQuery's client takes seconds to load, and the stack's start would wait for it.
    from google.api_core.exceptions import GoogleAPICallError

    from infra.bigquery.counting import calls_by_model, rows_by_table, verdicts

    try:
        with local_client(plan.ports.bigquery, plan.project) as client:
            counted = replace(evidence, tables=rows_by_table(client, plan.dataset))
            told = verdicts(client, plan.dataset)
            models = calls_by_model(client, plan.dataset)
    except (GoogleAPICallError, OSError) as error:
        raise StackError(f"the tables cannot be counted: {error}") from None
    return Summary(seconds, counted, told, balances(counted, plan.jobs, plan.bots), models=models)


def complaints(summary: Summary) -> list[str]:
    """What is wrong with a run that went through: sentences for the user, none when all is well."""
    found = []
    if off := unbalanced(summary.accounts):
        found.append(f"the accounts do not balance: {', '.join(off)}")
    if letters := summary.counts["dead_letters"]:
        found.append(f"{letters} dead letters: the table dead_letters says what was refused where, and why")
    return found
