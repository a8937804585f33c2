"""The exchange's REST API: each request weighed, its signature and nonce verified, faults met, then answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from execution.exchange.endpoints import ENDPOINTS, Answerer, Asked
from execution.exchange.faults import Faults
from execution.exchange.market_board import MarketBoard
from execution.exchange.nonces import NonceRefused, Nonces
from execution.exchange.refusal import ApiError, missing
from execution.exchange.signatures import MAINNET_CHAIN_ID, BadSignature, signer_of
from execution.exchange.simulated_exchange import SimulatedExchange
from execution.exchange.streams import Streams
from execution.exchange.weights import TooMuch, Weights


async def _no_spot(_: web.Request) -> web.StreamResponse:
    """The spot side, which ccxt asks for too: there is none."""
    return web.json_response({"timezone": "UTC", "rateLimits": [], "symbols": []})


async def _not_here(request: web.Request) -> web.StreamResponse:
    words = f"Path {request.path}, Method {request.method} is invalid: it is not simulated here"
    return web.json_response({"code": -5000, "msg": words}, status=404)


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came: for tests to look at. `parameters` has everything that was sent."""

    endpoint: str
    parameters: dict[str, str]


@dataclass
class Api:
    """The application; belongs to the server's loop. `now` is the server's clock in microseconds."""

    exchange: SimulatedExchange
    board: MarketBoard
    streams: Streams
    now: Callable[[], int]
    chain_id: int = MAINNET_CHAIN_ID
    weights: Weights = field(default_factory=Weights)
    nonces: Nonces = field(default_factory=Nonces)
    faults: Faults = field(default_factory=Faults)
    heard: list[Heard] = field(default_factory=list)
    remembers: bool = False

    def application(self) -> web.Application:
        """Its routes."""
        app = web.Application(client_max_size=1 << 20)
        for (method, path), answerer in ENDPOINTS.items():
            app.router.add_route(method, f"/fapi/{path}", self._handler(f"{method} /fapi/{path}", answerer))
        app.router.add_get("/api/v3/exchangeInfo", _no_spot)
        # ccxt tells a stream's market type by the word `fstream` in its address.
        for before in ("", "/fstream"):
            app.router.add_get(f"{before}/stream", self.streams.serve_market)
            app.router.add_get(f"{before}/ws", self.streams.serve_market)
            app.router.add_get(f"{before}/ws/{{key}}", self.streams.serve_account)
        app.router.add_route("*", "/{path:.*}", _not_here)
        return app

    def _handler(
        self, endpoint: str, answerer: Answerer
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            words = request.query_string or (await request.read()).decode(errors="replace")
            headers: dict[str, str] = {}
            fault = self.faults.next(endpoint)
            if fault is None or fault.is_done:
                status, body = self._answer(endpoint, answerer, request, words, headers)
            else:
                status, body = fault.status, fault.body.encode()
            if fault is not None and fault.is_done:
                if fault.body or not fault.status:
                    status, body = fault.status, fault.body.encode()
                else:
                    await self.faults.held()
            if fault is not None and not fault.status:
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            kind = "text/html" if body.startswith(b"<") else "application/json"
            return web.Response(status=status, body=body, headers=headers, content_type=kind)

        return handle

    def _answer(
        self, endpoint: str, answerer: Answerer, request: web.Request, words: str, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        micros = self.now()
        parameters = dict(parse_qsl(words, keep_blank_values=True))
        if self.remembers:
            self.heard.append(Heard(endpoint, parameters))
        try:
            weight = answerer.weight(parameters)
            used = self.weights.take_weight(request.remote or "", weight, micros / 1e6)
            headers["X-MBX-USED-WEIGHT-1M"] = str(used)
            asked = Asked(self.exchange, self.board, self.streams, parameters, micros, self.weights)
            if answerer.is_signed:
                asked.account = self.exchange.account_of(*self._signed_by(words, parameters, micros))
            if answerer.orders:
                count = self.weights.take_orders(
                    asked.account.address, answerer.orders(parameters), micros / 1e6
                )
                headers["X-MBX-ORDER-COUNT-1M"] = str(count)
            self.exchange.advance(micros)
            return 200, orjson.dumps(answerer.answer(asked))
        except ApiError as refusal:
            return refusal.status, orjson.dumps(refusal.body)
        except TooMuch as too_much:
            headers["Retry-After"] = str(too_much.retry_after)
            words_told = (
                "Way too many requests; IP banned." if too_much.status == 418 else "Too many requests."
            )
            return too_much.status, orjson.dumps({"code": -1003, "msg": words_told})

    def _signed_by(self, words: str, parameters: dict[str, Any], micros: int) -> tuple[str, str]:
        """The user and the signer of a request; raises `ApiError`."""
        for name in ("user", "signer", "nonce", "signature"):
            if not parameters.get(name):
                raise missing(name)
        message, found, signature = words.rpartition("&signature=")
        if not found or "&" in signature:
            raise ApiError(-1022, "Signature for this request is not valid: it has to be the last parameter.")
        try:
            signer = signer_of(message, signature, self.chain_id)
        except BadSignature as error:
            raise ApiError(-1022, f"Signature for this request is not valid: {error}.") from None
        if signer != parameters["signer"].lower():
            raise ApiError(-1022, "Signature for this request is not valid: another wallet signed it.")
        if not parameters["nonce"].isdecimal():
            raise missing("nonce")
        try:
            self.nonces.take(signer, int(parameters["nonce"]), micros)
        except NonceRefused as error:
            raise ApiError(-4225, f"Nonce Expired: {error}.") from None
        return parameters["user"], signer
