"""The drawdown bands: reduce, then halt."""

from decimal import Decimal

from contracts.payloads import DeskState
from contracts.risk.limits import Limits


def next_state(state: DeskState, drawdown: Decimal, limits: Limits) -> DeskState:
    """The desk's state at a drawdown, coming from `state`.

    With the default bands (reduce 5 %, recover 4 %, halt 10 %):

        drawdown  2 %  5 %      4.5 %    3.9 %   10 %    1 %
        state     A    REDUCED  REDUCED  ACTIVE  HALTED  HALTED   (until somebody releases it)
    """
    if state is DeskState.HALTED or drawdown >= limits.halt_drawdown:
        return DeskState.HALTED
    if drawdown >= limits.reduce_drawdown:
        return DeskState.REDUCED
    if state is DeskState.REDUCED and drawdown >= limits.recover_drawdown:
        return DeskState.REDUCED
    return DeskState.ACTIVE
