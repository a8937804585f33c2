"""Listening to an agent's inbox over a WebSocket, for as long as one likes."""

from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agents.client.calls import acknowledgement
from agents.client.errors import Refused
from contracts.message import Message

REMEMBERED = 10_000
"""Messages that are remembered as heard, so that one whose lease ended while others were handled is heard once."""


async def listen(url: str, agent: str, token: str) -> AsyncGenerator[Message, None]:
    """Every message that is delivered to the agent, in order by sender; it connects again when the connection ends.

    A message is acknowledged when the next one is asked for; one whose handling failed is therefore heard again by
    the next listener. Raises `Refused` when the gateway does not open the inbox.
    """
    heard: OrderedDict[tuple[str, str], None] = OrderedDict()
    address = f"{url.rstrip('/').replace('http', 'ws', 1)}/inbox/{agent}/stream"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with aclosing(aiter(connect(address, additional_headers=headers))) as sockets:  # type: ignore[type-var]
            async for socket in sockets:
                try:
                    async for frame in socket:
                        for message in _messages(frame):
                            if (message.sender, message.message_id) not in heard:
                                yield message
                                _remember(heard, message)
                            await socket.send(orjson.dumps(acknowledgement([message])).decode())
                except ConnectionClosed:
                    continue
    except InvalidStatus as refused:
        status = refused.response.status_code
        raise Refused(status, f"the inbox of {agent} stays closed: is the token {agent}'s?") from None


def _messages(frame: str | bytes) -> list[Message]:
    """The messages in a frame; one that answers an acknowledgement has none."""
    return [Message.model_validate(found) for found in orjson.loads(frame).get("messages", [])]


def _remember(heard: OrderedDict[tuple[str, str], None], message: Message) -> None:
    heard[message.sender, message.message_id] = None
    if len(heard) > REMEMBERED:
        heard.popitem(last=False)
