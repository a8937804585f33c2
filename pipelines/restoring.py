"""Starting anew: the opening of a stream's log, made from the last state that is known of its core.

    a job stops        its launcher tells the core's state to the live view; rows told it every few seconds before
    the job starts     the state becomes a RESTORE control, the first entry of the desk's log
    trading also       asks the execution service's ledger: a LEDGER message, the second entry, to compare the book with

The control does not go through the topic: what waits there would come before it. It has its place and its row in the
log like everything else, so the log can be replayed.
"""

from collections.abc import Callable, Iterable

import orjson
import redis
from apache_beam.options.pipeline_options import GoogleCloudOptions
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from pydantic import ValidationError

from contracts.bookings import LedgerQuestion, LedgerReport
from contracts.controls import Control, ControlAction
from contracts.core_states import newest
from contracts.live_view import LiveView
from contracts.message import said_by
from contracts.risk.order_memory import OrderMemory
from contracts.rows.operations import CoreStateRow
from contracts.settings import Settings
from contracts.time import to_micros
from pipelines.launch_error import LaunchError
from pipelines.options import JobOptions, Restore
from transforms.log import Opening, Raw

LAUNCHER = "launcher"
"""The sender of the control."""

ORDERS_ASKED = 200
"""Orders in flight that the ledger is asked for at a start; the job asks for the others by and by."""

_ANEW = "or start without it: --restore none"


LedgerAsker = Callable[[LedgerQuestion], LedgerReport]
"""Asks the execution service's ledger; never raises, a report without positions says why there is none."""


def openings(core: str, options: JobOptions, ask_ledger: LedgerAsker | None = None) -> dict[str, Opening]:
    """What the log of the job's desk begins with; empty when nothing is known, or nothing is wanted.

    With `ask_ledger` it always ends with what the ledger says, also of a desk that starts with nothing.

    Raises `LaunchError` when it cannot be known: a job that forgot its desk in silence would be worse than none.
    """
    if not options.is_streaming:
        return {}
    row = _told_row(core, options)
    found = {row.desk: opening(row)} if row is not None else {}
    if ask_ledger is not None:
        desk = options.desk
        found[desk] = with_ledger(desk, found.get(desk), row, ask_ledger)
    return found


def _told_row(core: str, options: JobOptions) -> CoreStateRow | None:
    if options.restore == Restore.NONE:
        return None
    told = _from_table(core, options) if options.restore == Restore.TABLE else _from_live_view(options)
    try:
        return newest(told, core)
    except ValidationError as error:
        raise LaunchError(f"the last state of {core} is of another version ({error}); {_ANEW}") from None


def opening(row: CoreStateRow) -> Opening:
    """The opening that a told state makes."""
    control = Control(
        action=ControlAction.RESTORE,
        issued_by=LAUNCHER,
        reason=f"as told at {row.told_at.isoformat()} after position {row.position}",
        core=row.core,
        state=orjson.loads(row.state),
    )
    message = said_by(
        LAUNCHER, control, desk=row.desk, event_time=row.event_time, derived_from=(row.core, row.row_id)
    )
    return Opening((Raw(message.to_json(), {}, 0),), to_micros(row.event_time), row.position)


def with_ledger(
    desk: str, begun: Opening | None, row: CoreStateRow | None, ask_ledger: LedgerAsker
) -> Opening:
    """The opening with what the ledger says of the desk's positions, and of the orders that its state has in flight."""
    moment = row.event_time if row is not None else Settings().desk_clock.now()
    question = LedgerQuestion(desk=desk, orders=_in_flight(row), asked_at=moment)
    report = ask_ledger(question).model_copy(update={"at_start": True})
    message = said_by(LAUNCHER, report, desk=desk, event_time=moment)
    before = begun or Opening((), to_micros(moment), 0)
    return before._replace(raws=(*before.raws, Raw(message.to_json(), {}, 0)))


def _in_flight(row: CoreStateRow | None) -> tuple[str, ...]:
    """The orders in flight in a state that a desk told, as far as it can be read; the intake refuses what cannot."""
    if row is None:
        return ()
    try:
        orders = OrderMemory.load(orjson.loads(row.state)["orders"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return ()
    return tuple(order.client_order_id for order in orders.in_flight())[:ORDERS_ASKED]


def _from_live_view(options: JobOptions) -> Iterable[CoreStateRow]:
    server = redis.Redis.from_url(Settings().redis_url, socket_timeout=5.0, socket_connect_timeout=5.0)
    try:
        told = server.hgetall(LiveView(options.desk).core_states)
    except redis.RedisError as error:
        raise LaunchError(
            f"the job's last state cannot be asked for, because Redis does not answer ({error}): start it, {_ANEW}"
        ) from None
    finally:
        server.close()
    return (CoreStateRow.from_json(text) for text in told.values())


def _from_table(core: str, options: JobOptions) -> Iterable[CoreStateRow]:
    project = options.view_as(GoogleCloudOptions).project
    table = f"{project}.{options.dataset}.{CoreStateRow.table}"
    columns = "row_id, event_time, desk, position, core, told_at, TO_JSON_STRING(state) AS state"
    newest_first = "WHERE desk = @desk AND core = @core ORDER BY told_at DESC LIMIT 1"
    query = f"SELECT {columns} FROM `{table}` {newest_first}"  # noqa: S608 - names of ours, values as parameters
    asked = [
        bigquery.ScalarQueryParameter("desk", "STRING", options.desk),
        bigquery.ScalarQueryParameter("core", "STRING", core),
    ]
    try:
        client = bigquery.Client(project)
        found = client.query_and_wait(query, job_config=bigquery.QueryJobConfig(query_parameters=asked))
        return [CoreStateRow.model_validate(dict(row)) for row in found]
    except (GoogleAPIError, GoogleAuthError) as error:
        raise LaunchError(f"{table} cannot be asked for the job's last state ({error}); {_ANEW}") from None
