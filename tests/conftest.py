"""What all tests share: properties are checked however slow the machine is, since no test may judge by time."""

import decimal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _decimals_round_as_they_begin() -> Iterator[None]:
    """ccxt changes how the decimals of its thread round; what comes after must not depend on what came before."""
    yield
    decimal.setcontext(decimal.Context())
