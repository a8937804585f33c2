"""Routes: is the gateway alive, can it do its work. Open to everyone, because orchestrators ask."""

from fastapi import APIRouter, Response

from agents.gateway.answers import Health
from agents.gateway.desk import Desk

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health}})
async def readyz(response: Response, desk: Desk) -> Health:
    """Messages can be published and every inbox is being read; if not, 503 and what is missing.

    The live view is not asked for: without it the desk still speaks and hears.
    """
    missing = await desk.publisher.missing()
    problems = ([missing] if missing else []) + desk.inboxes.problems
    if problems:
        response.status_code = 503
    return Health(status="not ready" if problems else "ok", problems=problems)
