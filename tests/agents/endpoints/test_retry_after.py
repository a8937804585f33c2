from datetime import UTC, datetime

import pytest
from google.api_core.exceptions import TooManyRequests
from google.rpc.error_details_pb2 import RetryInfo

from agents.endpoints.retry_after import read_retry_after, retry_after

NOW = datetime(2024, 1, 15, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 3 ", 3.0),
        ("Mon, 15 Jan 2024 10:00:09 GMT", 9.0),
        ("Mon, 15 Jan 2024 09:00:00 GMT", 0.0),
        ("-3", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_a_number_or_a_date(header, seconds):
    assert read_retry_after(header, NOW) == seconds


def test_grpc_says_it_in_its_details():
    info = RetryInfo()
    info.retry_delay.seconds = 4
    assert retry_after(TooManyRequests("scripted", details=[info])) == 4.0
    assert retry_after(TooManyRequests("scripted")) == 0.0
