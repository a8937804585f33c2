"""Reading how long an endpoint asks to be left alone: Retry-After over HTTP, RetryInfo over gRPC."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


def retry_after(error: Any) -> float:
    """The seconds that an error of Google's client asks to wait; 0 when it asks for none, or for nothing readable."""
    response = getattr(error, "response", None)
    header = (getattr(response, "headers", None) or {}).get("retry-after")
    if header:
        return read_retry_after(header, datetime.now(UTC))
    delays = (getattr(detail, "retry_delay", None) for detail in getattr(error, "details", None) or ())
    return max(
        (float(delay.ToTimedelta().total_seconds()) for delay in delays if delay is not None), default=0.0
    )


def read_retry_after(header: str, now: datetime) -> float:
    """The seconds from `now` that the header's value asks for, a number or a date; 0 for anything else."""
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((aware - now).total_seconds(), 0.0)
