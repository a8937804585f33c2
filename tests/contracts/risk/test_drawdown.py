from decimal import Decimal

from contracts.payloads import DeskState
from contracts.risk.drawdown import next_state
from contracts.risk.limits import Limits


def test_the_bands_reduce_recover_and_halt() -> None:
    state, seen = DeskState.ACTIVE, []
    for drawdown in ("0.02", "0.05", "0.045", "0.039", "0.10", "0.01"):
        state = next_state(state, Decimal(drawdown), Limits())
        seen.append(str(state))
    assert seen == ["ACTIVE", "REDUCED", "REDUCED", "ACTIVE", "HALTED", "HALTED"]


def test_a_crash_halts_at_once() -> None:
    assert next_state(DeskState.ACTIVE, Decimal("0.3"), Limits()) is DeskState.HALTED
