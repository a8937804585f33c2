"""The inbox as a WebSocket: the same messages as by long poll, handed out as they arrive."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from fastapi import APIRouter, WebSocket, WebSocketDisconnect, status
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnected

from agents.gateway.answers import InboxAcknowledged, InboxMessages
from agents.gateway.desk import GatewayDesk
from agents.gateway.inbox_routes import LONGEST_WAIT_SECONDS, Acknowledgement
from agents.gateway.inboxes import LEASE_SECONDS

router = APIRouter(prefix="/inbox", tags=["inbox"])

MOST_AT_ONCE = 100


@router.websocket("/{agent}/stream")
async def stream(agent: str, socket: WebSocket) -> None:
    """What is delivered to the agent, until either side closes.

        gateway  {"messages": [...], "lease_seconds": 30.0}     whenever something waits
        agent    {"message_ids": ["..."]}                       done with these
        gateway  {"acknowledged": ["..."], "unknown": []}

    An id may be given with its sender, {"message_id": "...", "sender": "..."}, because two senders may use the same.
    The token comes in the Authorization header. What was not acknowledged when the connection ends is handed out
    again at once, in its order, to the next connection or poll. Close codes: 1008 not yours, 1007 not an
    acknowledgement, 1012 the gateway stops.
    """
    desk: GatewayDesk = socket.app.state.desk
    refusal = _refusal(agent, socket.headers.get("authorization", ""), desk)
    if refusal is not None:
        await socket.close(status.WS_1008_POLICY_VIOLATION, refusal)  # before accept: an HTTP 403
        return
    await socket.accept()
    connection = _Connection(agent, socket, desk)
    try:
        await connection.serve()
    finally:
        connection.release()


def _refusal(agent: str, authorization: str, desk: GatewayDesk) -> str | None:
    scheme, _, token = authorization.partition(" ")
    caller = desk.tokens.agent_of(token) if scheme.lower() == "bearer" else None
    if caller is None:
        return "send `Authorization: Bearer <token>` with the token of the agent"
    if caller != agent:
        return f"the token opens /inbox/{caller} alone"
    if agent not in desk.inboxes.agents:
        return f"{agent} is model-backed: the decisions job reads what is delivered to it"
    desk.last_seen[agent] = desk.clock.now()
    return None


async def _while_open(work: Callable[[], Awaitable[None]]) -> None:
    """Do it until the socket is gone: closed by the agent, broken, or closed by us while this was about to send."""
    with suppress(WebSocketDisconnect, WebSocketDisconnected):
        await work()


class _Connection:
    """One open socket; what is handed out over it is leased to it."""

    def __init__(self, agent: str, socket: WebSocket, desk: GatewayDesk) -> None:
        self._agent = agent
        self._socket = socket
        self._desk = desk

    async def serve(self) -> None:
        """Hand out and hear acknowledgements, until the socket is gone and all that was said before is heard."""
        async with asyncio.TaskGroup() as both:
            handing_out = both.create_task(_while_open(self._hand_out))
            await _while_open(self._hear)
            handing_out.cancel()

    def release(self) -> None:
        """Give back what was handed out and not acknowledged."""
        self._desk.inboxes.release(self._agent, self)

    async def _hand_out(self) -> None:
        inboxes = self._desk.inboxes
        while not inboxes.is_closing:
            taken = await inboxes.take(self._agent, LONGEST_WAIT_SECONDS, MOST_AT_ONCE, self)
            if not taken:
                continue
            messages = [message.model_dump(mode="json") for message in taken]
            told = InboxMessages(messages=messages, lease_seconds=LEASE_SECONDS)
            await self._socket.send_text(told.model_dump_json())
        await self._socket.close(status.WS_1012_SERVICE_RESTART, "the gateway stops: connect again")

    async def _hear(self) -> None:
        while (frame := await self._socket.receive())["type"] != "websocket.disconnect":
            try:
                said = Acknowledgement.model_validate_json(frame.get("text") or "")
            except ValidationError:
                await self._socket.close(
                    status.WS_1007_INVALID_FRAME_PAYLOAD_DATA, 'send {"message_ids": ["..."]} as text'
                )
                return
            done = self._desk.inboxes.acknowledge(self._agent, said.names)
            told = InboxAcknowledged(acknowledged=list(done.message_ids), unknown=list(done.unknown))
            # Who acknowledges and leaves does not hear the answer; what it said counts all the same.
            await _while_open(partial(self._socket.send_text, told.model_dump_json()))
