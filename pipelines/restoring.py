"""Starting anew: the opening of a stream's log, made from the last state that is known of its core.

    a job stops        its launcher tells the core's state to the live view; rows told it every few seconds before
    the job starts     the state becomes a RESTORE control, the first entry of the desk's log

The control does not go through the topic: what waits there would come before it. It has its place and its row in the
log like everything else, so the log can be replayed.
"""

from collections.abc import Iterable

import orjson
import redis
from apache_beam.options.pipeline_options import GoogleCloudOptions
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from pydantic import ValidationError

from contracts.controls import Control, ControlAction
from contracts.core_states import newest
from contracts.live_view import LiveView
from contracts.message import said_by
from contracts.rows.operations import CoreStateRow
from contracts.settings import Settings
from contracts.time import to_micros
from pipelines.launch_error import LaunchError
from pipelines.options import JobOptions, Restore
from transforms.log import Opening, Raw

LAUNCHER = "launcher"
"""The sender of the control."""

_ANEW = "or start without it: --restore none"


def openings(core: str, options: JobOptions) -> dict[str, Opening]:
    """What the log of the job's desk begins with; empty when nothing is known, or nothing is wanted.

    Raises `LaunchError` when it cannot be known: a job that forgot its desk in silence would be worse than none.
    """
    if not options.is_streaming or options.restore == Restore.NONE:
        return {}
    told = _from_table(core, options) if options.restore == Restore.TABLE else _from_live_view(options)
    try:
        row = newest(told, core)
    except ValidationError as error:
        raise LaunchError(f"the last state of {core} is of another version ({error}); {_ANEW}") from None
    return {row.desk: opening(row)} if row is not None else {}


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
    return Opening(Raw(message.to_json(), {}, 0), to_micros(row.event_time), row.position)


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
