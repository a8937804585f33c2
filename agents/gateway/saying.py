"""Saying a message on the desk's log: counted, limited in size, and refused as a problem that says when to try again."""

from agents.gateway.desk import GatewayDesk
from agents.gateway.problems import Problem
from agents.gateway.publisher import BufferFull, PublishFailed
from contracts.message import Message
from contracts.refusals import MAX_MESSAGE_BYTES

ROOM_FOR_RECIPIENT = 100
"""A copy for one recipient is longer than the broadcast by a name at most (64 characters), and has to be read too."""

MOST_BYTES = MAX_MESSAGE_BYTES - ROOM_FOR_RECIPIENT
"""What a message may weigh as JSON."""


async def say(message: Message, desk: GatewayDesk) -> None:
    """Publish the message; raises the `Problem` for which it is not."""
    size = len(message.to_json())
    if size > MOST_BYTES:
        raise Problem(413, "Too large", f"the message has {size} bytes; the limit is {MOST_BYTES}")
    try:
        await desk.publisher.publish(message)
    except BufferFull as full:
        raise Problem(429, "Too much at once", str(full), retry_after=full.retry_after) from None
    except PublishFailed as failed:
        raise Problem(503, "Not published", f"{failed}; send it again", retry_after=1.0) from None
