"""The gateway's application: its routes around a desk that is handed in."""

from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from agents.gateway import (
    controls,
    health,
    inbox_routes,
    inbox_stream,
    looks,
    messages,
    metrics,
    presence,
    prospects,
    validation,
)
from agents.gateway.answers import ProblemBody
from agents.gateway.bodies import describe_bodies
from agents.gateway.desk import GatewayDesk
from agents.gateway.posting import PostedMessage
from agents.gateway.problems import install_problems
from contracts.controls import Control
from contracts.payloads import Heartbeat
from contracts.risk.trade_question import TradeQuestion


def create_app(desk: GatewayDesk, running: AbstractAsyncContextManager[None] | None = None) -> FastAPI:
    """The application for `desk`; `running` is entered when the server starts and left when it stops."""
    app = FastAPI(
        title="Sapphire gateway",
        version="1",
        description="What agents outside the jobs say and hear: the desk's coordinator.",
        lifespan=None if running is None else lambda _: running,
    )
    app.state.desk = desk
    install_problems(app)
    for part in (
        presence,
        messages,
        inbox_routes,
        inbox_stream,
        looks,
        prospects,
        validation,
        controls,
        metrics,
        health,
    ):
        app.include_router(part.router)
    spoken = [kind.payload_model for kind in messages.VERBS.values()]
    describe_bodies(
        app,
        [
            *spoken,
            PostedMessage,
            Control,
            Heartbeat,
            TradeQuestion,
            presence.Registration,
            inbox_routes.Acknowledgement,
            ProblemBody,
        ],
    )
    return app
