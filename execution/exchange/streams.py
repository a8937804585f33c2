"""The exchange's WebSockets: streams of the market by name, and each account's own stream by its key.

A subscriber that does not read is let go: what is sent waits in a bounded queue, and a full one ends the connection.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import WSMsgType, web

KEY_SECONDS = 3_600.0
_QUEUED = 10_000
_MOST_STREAMS = 200


@dataclass(eq=False, slots=True)
class _Subscriber:
    """One connection; `wrapped` is whether events come as {stream, data}."""

    wrapped: bool
    names: dict[str, str] = field(default_factory=dict)
    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_QUEUED))

    def send(self, content: object) -> None:
        try:
            self.queue.put_nowait(orjson.dumps(content))
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Close the connection, whatever waits to be sent."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


@dataclass(slots=True)
class _Key:
    """A listenKey: whose stream it opens, and until when (seconds of the server's clock)."""

    address: str
    until: float


class Streams:
    """All connections; belongs to the server's loop. `now` is the server's clock in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._market: set[_Subscriber] = set()
        self._account: dict[str, set[_Subscriber]] = {}
        self._keys: dict[str, _Key] = {}
        self._held: list[tuple[str, dict[str, Any]]] | None = None

    # --- what is sent ----------------------------------------------------------------------------------

    def publish(self, name: str, make: Callable[[], dict[str, Any]]) -> None:
        """An event of a market stream, to whoever has subscribed."""
        event: dict[str, Any] | None = None
        for subscriber in list(self._market):
            asked = subscriber.names.get(name)
            if asked is not None:
                event = event or make()
                subscriber.send({"stream": asked, "data": event} if subscriber.wrapped else event)

    def tell(self, address: str, event: dict[str, Any]) -> None:
        """An event of an account's own stream."""
        if self._held is not None:
            self._held.append((address, event))
            return
        for key, known in self._keys.items():
            if known.address == address and known.until > self._now():
                for subscriber in self._account.get(key, ()):
                    subscriber.send(event)

    def hold(self) -> None:
        """Keep the accounts' events back, until `let_go`."""
        self._held = []

    def let_go(self, *, backwards: bool = False) -> None:
        """Send what was kept back, in its order or the other way round."""
        held, self._held = self._held or [], None
        for address, event in reversed(held) if backwards else held:
            self.tell(address, event)

    # --- keys ------------------------------------------------------------------------------------------

    def key_of(self, address: str) -> str:
        """The account's key, a new one or the one that is valid, for another hour."""
        self.expire()
        for key, known in self._keys.items():
            if known.address == address:
                known.until = self._now() + KEY_SECONDS
                return key
        key = secrets.token_hex(32)
        self._keys[key] = _Key(address, self._now() + KEY_SECONDS)
        return key

    def renew(self, address: str) -> bool:
        """Another hour for the account's key; whether it has one."""
        self.expire()
        found = [known for known in self._keys.values() if known.address == address]
        for known in found:
            known.until = self._now() + KEY_SECONDS
        return bool(found)

    def close(self, address: str) -> None:
        """End the account's key and its connections."""
        for key in [key for key, known in self._keys.items() if known.address == address]:
            del self._keys[key]
            for subscriber in self._account.pop(key, set()):
                subscriber.end()

    def expire(self) -> None:
        """Tell those whose key has run out."""
        for key in [key for key, known in self._keys.items() if known.until <= self._now()]:
            del self._keys[key]
            for subscriber in self._account.pop(key, set()):
                subscriber.send({"e": "listenKeyExpired", "E": int(self._now() * 1_000)})

    def cut(self) -> None:
        """End every connection, as a failing network would."""
        for subscribers in (self._market, *self._account.values()):
            for subscriber in list(subscribers):
                subscriber.end()

    # --- connections -----------------------------------------------------------------------------------

    async def serve_market(self, request: web.Request) -> web.WebSocketResponse:
        """GET /stream and /ws: a connection that subscribes by messages."""
        subscriber = _Subscriber(wrapped=request.path.endswith("/stream"))
        if "streams" in request.query:
            self._subscribe(subscriber, request.query["streams"].split("/"))
        return await self._serve(request, subscriber, self._market)

    async def serve_account(self, request: web.Request) -> web.StreamResponse:
        """GET /ws/<listenKey>, or /ws/<stream>."""
        key = request.match_info["key"]
        if "@" in key:
            subscriber = _Subscriber(wrapped=False)
            self._subscribe(subscriber, [key])
            return await self._serve(request, subscriber, self._market)
        self.expire()
        if key not in self._keys:
            return web.json_response({"code": -1125, "msg": "This listenKey does not exist."}, status=400)
        return await self._serve(request, _Subscriber(wrapped=False), self._account.setdefault(key, set()))

    async def _serve(
        self, request: web.Request, subscriber: _Subscriber, among: set[_Subscriber]
    ) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        among.add(subscriber)
        sending = asyncio.ensure_future(_send(socket, subscriber))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._asked(subscriber, message.data)
        finally:
            among.discard(subscriber)
            sending.cancel()
        return socket

    def _asked(self, subscriber: _Subscriber, data: str) -> None:
        try:
            asked = orjson.loads(data)
            method, names, number = asked["method"], asked.get("params", []), asked.get("id")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            subscriber.send({"error": {"code": 3, "msg": "Invalid JSON: expected {method, params, id}"}})
            return
        if method == "SUBSCRIBE" and len(subscriber.names) + len(names) <= _MOST_STREAMS:
            self._subscribe(subscriber, names)
            subscriber.send({"result": None, "id": number})
        elif method == "UNSUBSCRIBE":
            for name in names:
                subscriber.names.pop(_plain(str(name)), None)
            subscriber.send({"result": None, "id": number})
        elif method == "LIST_SUBSCRIPTIONS":
            subscriber.send({"result": list(subscriber.names.values()), "id": number})
        else:
            subscriber.send({"error": {"code": 2, "msg": f"Invalid request: {method}"}, "id": number})

    def _subscribe(self, subscriber: _Subscriber, names: list[Any]) -> None:
        for name in names:
            subscriber.names[_plain(str(name))] = str(name)


def _plain(name: str) -> str:
    """A stream's name without its speed: btcusdt@depth@100ms is btcusdt@depth."""
    return "@".join(name.split("@")[:2])


async def _send(socket: web.WebSocketResponse, subscriber: _Subscriber) -> None:
    while (content := await subscriber.queue.get()) is not None:
        await socket.send_str(content.decode())
    await socket.close()
