"""A WebSocket without a network: what the agent's side does is scripted, in the order and the tick that the test wants."""

import asyncio
from typing import Any

import orjson
from fastapi import FastAPI, WebSocket

from tests.agents.gateway.desk import bearer


class ScriptedSocket:
    """One side of a connection: the test says what comes up, and sees what went down."""

    def __init__(self, app: FastAPI, path: str, agent: str = "freqtrade-hft") -> None:
        self.down: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.is_broken = False
        self._up: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._up.put_nowait({"type": "websocket.connect"})
        headers = [(name.lower().encode(), value.encode()) for name, value in bearer(agent).items()]
        scope = {"type": "websocket", "app": app, "path": path, "headers": headers, "query_string": b""}
        self.socket = WebSocket(scope, self._up.get, self._send)

    async def _send(self, message: dict[str, Any]) -> None:
        if self.is_broken:
            raise OSError("the connection is gone")
        self.down.put_nowait(message)

    def say(self, text: str) -> None:
        """The agent sends a frame."""
        self._up.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        """The agent's side ends."""
        self._up.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def told(self) -> dict[str, Any]:
        """The next frame that the gateway sent."""
        while (message := await self.down.get())["type"] != "websocket.send":
            pass
        told: dict[str, Any] = orjson.loads(message["text"])
        return told
