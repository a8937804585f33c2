"""What the jobs told of their cores' states: what an answer about the running desk goes by, and how old that is."""

from dataclasses import dataclass

import orjson

from agents.gateway.answers import StateKnown
from agents.gateway.desk import GatewayDesk
from contracts.coordination.standing import Standing
from contracts.core_states import newest
from contracts.rows.operations import CoreStateRow


async def last_state(desk: GatewayDesk, core: str) -> CoreStateRow | None:
    """The last telling of a job's core; None when nobody has told."""
    told = await desk.view.documents(desk.keys.core_states)
    return newest((CoreStateRow.model_validate(document) for document in told.values()), core)


def known(desk: GatewayDesk, state: CoreStateRow) -> StateKnown:
    """After which entry of its log the state is, and how long ago it was told."""
    return StateKnown(
        position=state.position,
        event_time=state.event_time,
        told_at=state.told_at,
        age_seconds=max(0.0, (desk.wall.now() - state.told_at).total_seconds()),
    )


@dataclass(frozen=True, slots=True)
class ToldStanding:
    """The standing of the desk's agents as coordination last told it; without one, `missing` says why."""

    standing: Standing | None = None
    known: StateKnown | None = None
    missing: str = ""


async def told_standing(desk: GatewayDesk) -> ToldStanding:
    """What coordination told last of its state."""
    row = await last_state(desk, "coordination")
    if row is None:
        return ToldStanding(missing="coordination has not told its state yet")
    try:
        standing = Standing.of(desk.roster, orjson.loads(row.state))
    except (KeyError, TypeError, ValueError):
        missing = "coordination's state is of another version: update the gateway"
        return ToldStanding(known=known(desk, row), missing=missing)
    return ToldStanding(standing, known(desk, row))
