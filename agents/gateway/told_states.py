"""What the jobs told of their cores' states: what an answer about the running desk goes by, and how old that is."""

from agents.gateway.answers import StateKnown
from agents.gateway.desk import GatewayDesk
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
