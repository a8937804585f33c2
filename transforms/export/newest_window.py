"""The newest window of an agent, as the live view shows it: a late row's remainder adds to its own window alone."""

from contracts.rows.communication import CommunicationMetric

ADD_UP = (
    "sent",
    "admitted",
    "refused",
    "throttled",
    "throttled_signals",
    "throttled_chatter",
    "delivered",
    "suppressed",
    "suppressed_not_relevant",
    "suppressed_sender_too_active",
)
"""The columns that are counts."""


def newest(shown: CommunicationMetric | None, row: CommunicationMetric) -> CommunicationMetric:
    """What to show after `row`, an agent's window or a further part of one.

        row      10:00 sent 2   10:01 sent 1   10:00 sent 1   10:01 sent 3
        shown    10:00 sent 2   10:01 sent 1   10:01 sent 1   10:01 sent 4

    Score and threshold are the last that a part knows. Quantiles cannot be added: they are those of the part with more
    messages.
    """
    if shown is None or row.window_start > shown.window_start:
        return row
    if row.window_start < shown.window_start or row.row_id == shown.row_id:  # it is told again
        return shown
    columns = {name: getattr(shown, name) + getattr(row, name) for name in ADD_UP}
    larger = shown if shown.sent >= row.sent else row
    return row.model_copy(
        update=columns
        | {
            "activity_score": row.activity_score if row.sent else shown.activity_score,
            "threshold": shown.threshold if row.threshold is None else row.threshold,
            "latency_p50_ms": larger.latency_p50_ms,
            "latency_p99_ms": larger.latency_p99_ms,
        }
    )
