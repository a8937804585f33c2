"""What the venue is asked about orders and the account, each question with all the requests that its answer takes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import structlog

from contracts.orders import OrderRequest
from execution.venues.aster.settings import AsterSettings, AsterSettingsError, PositionMode
from execution.venues.aster.signed_exchange import NoSuchOrder, Refused, SignedAster
from execution.venues.aster.words import answer_of, order_parameters, positions_of
from execution.venues.venue import Unclear, VenueAnswer

_log = structlog.get_logger("execution.venues.aster")

_WEEK_MS = 7 * 86_400_000
_PAGE = 1_000
_IS_SO_ALREADY = ("-4046", "-4059")


class Account:
    """One account at the venue; everything runs on the loop of the exchange object."""

    def __init__(self, exchange: SignedAster, settings: AsterSettings) -> None:
        self._exchange = exchange
        self._settings = settings

    async def set_up(self, symbols: tuple[str, ...]) -> None:
        """Bring position mode, margin and leverage to what is configured.

        Raises `AsterSettingsError` when the venue refuses it, `Unclear` when it is to be tried again.
        """
        hedge = self._settings.position_mode is PositionMode.HEDGE
        now = await self._exchange.ask("GET", "v3/positionSide/dual", {})
        if (str(now["dualSidePosition"]).lower() == "true") != hedge:
            wanted = {"dualSidePosition": "true" if hedge else "false"}
            await self._set("v3/positionSide/dual", wanted, "position_mode")
        for symbol in symbols:
            if self._settings.margin is not None:
                kind = "CROSSED" if self._settings.margin == "cross" else "ISOLATED"
                await self._set("v3/marginType", {"symbol": symbol, "marginType": kind}, "margin")
            if self._settings.leverage is not None:
                wanted = {"symbol": symbol, "leverage": str(self._settings.leverage)}
                await self._set("v3/leverage", wanted, "leverage")

    async def place(self, request: OrderRequest, quantity: Decimal) -> VenueAnswer:
        """Send an order, once; raises `Refused`, `AlreadyThere`, `NotSent` and `Unclear`."""
        parameters = order_parameters(
            request,
            quantity,
            self._settings.position_mode,
            reduce_only=await self._holds_to_it(request, quantity),
        )
        order = await self._exchange.ask("POST", "v3/order", parameters, adds_risk=not request.reduce_only)
        return await self._with_trades(order)

    async def query(self, request: OrderRequest) -> VenueAnswer | None:
        """All that the venue knows of an order; None when it has none; raises `Unclear`."""
        parameters = {"symbol": request.symbol, "origClientOrderId": request.client_order_id}
        try:
            order = await self._exchange.ask("GET", "v3/order", parameters)
        except NoSuchOrder:
            return None
        except Refused as refused:
            raise Unclear(f"the question was refused: {refused}") from None
        return await self._with_trades(order, complete=True)

    async def cancel(self, request: OrderRequest) -> VenueAnswer | None:
        """Cancel what is open of an order; how it stands, None when the venue has none; raises `Unclear`."""
        parameters = {"symbol": request.symbol, "origClientOrderId": request.client_order_id}
        try:
            order = await self._exchange.ask("DELETE", "v3/order", parameters)
        except (NoSuchOrder, Refused):
            # It is not open, or was never there: the venue tells these apart only when it is asked.
            return await self.query(request)
        return await self._with_trades(order, complete=True)

    async def cancel_all(self, symbol: str) -> None:
        """Cancel everything that is open in a symbol; raises `Refused` and `Unclear`."""
        await self._exchange.ask("DELETE", "v3/allOpenOrders", {"symbol": symbol})

    async def positions(self) -> dict[str, Decimal]:
        """Net signed quantities by symbol; raises `Refused` and `Unclear`."""
        return positions_of(await self._exchange.ask("GET", "v3/positionRisk", {}))

    async def _holds_to_it(self, request: OrderRequest, quantity: Decimal) -> bool:
        """Whether to have the venue hold a reduce-only order to it, in one-way mode.

        The venue judges by the account's net position, the ledger by the agent's: where agents hold against each other
        the venue would refuse what is right. So it is asked to where its own position bears it.
        """
        if not request.reduce_only or self._settings.position_mode is PositionMode.HEDGE:
            return False
        try:
            rows = await self._exchange.ask("GET", "v3/positionRisk", {"symbol": request.symbol})
        except (Refused, Unclear):
            return True
        held = positions_of(rows).get(request.symbol, Decimal(0))
        return -held * request.side.sign >= quantity

    async def _with_trades(self, order: Mapping[str, Any], *, complete: bool = False) -> VenueAnswer:
        """The answer with the order's trades; without them, if need be, unless it has to be `complete`."""
        executed = Decimal(str(order["executedQty"]))
        if not executed:
            return answer_of(order)
        try:
            return answer_of(order, await self._trades(order, executed))
        except (Refused, Unclear) as error:
            if complete:
                raise Unclear(f"the trades of the order are not to be had: {type(error).__name__}") from None
            return answer_of(order)

    async def _trades(self, order: Mapping[str, Any], executed: Decimal) -> list[dict[str, Any]]:
        """The account's trades of an order: the venue lists them by symbol and at most a week at a time."""
        updated = int(order["updateTime"])
        start, last = int(order.get("time", updated - 60_000)), updated + 60_000
        found: dict[str, dict[str, Any]] = {}
        traded = Decimal(0)
        while start <= last and traded < executed:
            window = {"startTime": str(start), "endTime": str(min(start + _WEEK_MS - 1, last))}
            page = await self._exchange.ask(
                "GET", "v3/userTrades", {"symbol": order["symbol"], "limit": str(_PAGE), **window}
            )
            for trade in page:
                if str(trade["orderId"]) == str(order["orderId"]):
                    found[str(trade["id"])] = trade
            traded = sum((Decimal(str(trade["qty"])) for trade in found.values()), Decimal(0))
            if len(page) < _PAGE:
                start += _WEEK_MS
            else:
                start = max(int(page[-1]["time"]), start + 1)
        return list(found.values())

    async def _set(self, path: str, wanted: dict[str, str], name: str) -> None:
        try:
            await self._exchange.ask("POST", path, wanted)
        except Refused as refused:
            if not any(code in str(refused) for code in _IS_SO_ALREADY):
                raise AsterSettingsError(
                    f"the venue refuses SAPPHIRE_ASTER_{name.upper()} {wanted}: {refused}"
                ) from None
