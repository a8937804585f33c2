"""Reading the live view: what the desk is known to do now. What is not known is None, never made up."""

from typing import Any, Protocol, cast

import orjson
from redis import RedisError
from redis.asyncio import Redis

from agents.gateway.problems import Problem


class View(Protocol):
    """The live view by name: documents as they were written."""

    async def document(self, key: str) -> Any | None:
        """The JSON document under a key."""
        ...

    async def documents(self, key: str) -> dict[str, Any]:
        """The JSON documents in a hash, by field."""
        ...


class RedisView:
    """The live view in Redis; when that cannot be reached, a `Problem` with status 503."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def document(self, key: str) -> Any | None:
        """The JSON document in a string."""
        try:
            text = await self._redis.get(key)
        except RedisError as error:
            raise _unreachable(error) from None
        return None if text is None else orjson.loads(text)

    async def documents(self, key: str) -> dict[str, Any]:
        """The JSON documents in a hash."""
        try:
            texts = cast("dict[bytes, bytes]", await self._redis.hgetall(key))
        except RedisError as error:
            raise _unreachable(error) from None
        return {field.decode(): orjson.loads(text) for field, text in sorted(texts.items())}


def _unreachable(error: RedisError) -> Problem:
    return Problem(503, "No live view", f"the live view (Redis) cannot be read: {error}", retry_after=5.0)
