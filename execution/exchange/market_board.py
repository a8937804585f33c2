"""The exchange's market: batches of market data told to the matching core, and shown as the API shows them.

What is shown is what can be traded at: best prices and depth come from the core, so that where only bars are known the
spread model's prices are shown. Data counts as happening now: its own times only order it, so that a
recording can be traded on.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any

from contracts.market_data import MarketBatch, MarketKind
from execution.exact import plain
from execution.exchange.candles import Candles
from execution.exchange.simulated_exchange import SimulatedExchange
from execution.matching.events import Event
from execution.matching.market import ENDLESS
from execution.matching.units import amount_of, nearest_units

_TRADES_KEPT = 1_000
_MILLISECOND = timedelta(milliseconds=1)
_SHOWN_AT_MOST = 1_000 * 10**8
"""Where there is no end of quantity, this much is shown."""

Publish = Callable[[str, Callable[[], dict[str, Any]]], object]
"""Takes a stream's name, such as btcusdt@bookTicker, and what makes the event, if anybody listens."""


class _Board:
    """What is shown of one symbol."""

    def __init__(self) -> None:
        self.trades: deque[dict[str, Any]] = deque(maxlen=_TRADES_KEPT)
        self.candles = Candles()
        self.last = self.index = 0
        self.book_id = self.trade_id = 0


class MarketBoard:
    """Takes market data, publishes it and answers what is asked about it."""

    def __init__(self, exchange: SimulatedExchange, publish: Publish) -> None:
        self._exchange = exchange
        self._publish = publish
        self._boards = {symbol: _Board() for symbol in exchange.symbols}

    def take(self, batch: MarketBatch, micros: int) -> None:
        """A batch that happens at `micros`; symbols that are not listed are passed over."""
        board = self._boards.get(batch.symbol)
        if board is None:
            return
        rows = batch.rows.to_pylist()
        ms = micros // 1_000
        if batch.kind in (MarketKind.BOOK_SNAPSHOT, MarketKind.BOOK_UPDATE):
            for _, levels in groupby(rows, key=lambda row: row["last_id"]):
                self._book(batch, board, list(levels), micros)
        else:
            tell = {
                MarketKind.TRADE: self._trade,
                MarketKind.QUOTE: self._quote,
                MarketKind.MARK: self._mark,
                MarketKind.BAR: self._bar,
            }[batch.kind]
            for row in rows:
                self._exchange.happened(tell(batch.symbol, board, row, micros))
        self._show_touch(batch.symbol, board, ms)

    # --- what is asked ---------------------------------------------------------------------------------

    def depth(self, symbol: str, limit: int, ms: int) -> dict[str, Any]:
        """GET depth."""
        market = self._exchange.core.pits[symbol].market
        return {
            "lastUpdateId": self._boards[symbol].book_id,
            "E": ms,
            "T": ms,
            "bids": _levels(market.offers(-1), limit),
            "asks": _levels(market.offers(1), limit),
        }

    def book_ticker(self, symbol: str, ms: int) -> dict[str, Any] | None:
        """GET ticker/bookTicker; None while there is no price."""
        market = self._exchange.core.pits[symbol].market
        bids, asks = _levels(market.offers(-1), 1), _levels(market.offers(1), 1)
        if not bids or not asks:
            return None
        return {
            "symbol": symbol,
            "bidPrice": bids[0][0],
            "bidQty": bids[0][1],
            "askPrice": asks[0][0],
            "askQty": asks[0][1],
            "time": ms,
        }

    def price(self, symbol: str, ms: int) -> dict[str, Any]:
        """GET ticker/price."""
        return {"symbol": symbol, "price": _text(self._last(symbol)), "time": ms}

    def day(self, symbol: str, ms: int) -> dict[str, Any]:
        """GET ticker/24hr."""
        board = self._boards[symbol]
        minutes = board.candles.of("1m", 1_440)
        first, last = (minutes[0].open, minutes[-1].close) if minutes else (0.0, 0.0)
        volume = sum(minute.volume for minute in minutes)
        worth = sum(minute.quote_volume for minute in minutes)
        return {
            "symbol": symbol,
            "priceChange": f"{last - first:.8f}",
            "priceChangePercent": f"{(last / first - 1) * 100 if first else 0:.3f}",
            "weightedAvgPrice": f"{worth / volume if volume else last:.8f}",
            "lastPrice": _text(self._last(symbol)),
            "lastQty": board.trades[-1]["qty"] if board.trades else "0",
            "openPrice": f"{first:.8f}",
            "highPrice": f"{max((m.high for m in minutes), default=0.0):.8f}",
            "lowPrice": f"{min((m.low for m in minutes), default=0.0):.8f}",
            "volume": f"{volume:.8f}",
            "quoteVolume": f"{worth:.8f}",
            "openTime": minutes[0].opened if minutes else ms,
            "closeTime": ms,
            "firstId": board.trades[0]["id"] if board.trades else 0,
            "lastId": board.trade_id,
            "count": sum(minute.trades for minute in minutes),
        }

    def premium(self, symbol: str, ms: int) -> dict[str, Any]:
        """GET premiumIndex."""
        market = self._exchange.core.pits[symbol].market
        interval = self._exchange.core.terms.funding_interval // _MILLISECOND
        return {
            "symbol": symbol,
            "markPrice": _text(market.mark),
            "indexPrice": _text(self._boards[symbol].index or market.mark),
            "estimatedSettlePrice": _text(market.mark),
            "lastFundingRate": _text(market.rate),
            "interestRate": "0.0001",
            "nextFundingTime": (ms // interval + 1) * interval,
            "time": ms,
        }

    def trades(self, symbol: str, limit: int) -> list[dict[str, Any]]:
        """GET trades: the latest, oldest first."""
        return list(self._boards[symbol].trades)[-limit:]

    def klines(self, symbol: str, interval: str, limit: int) -> list[list[Any]]:
        """GET klines; KeyError for an interval that is not known."""
        span = 60_000
        return [
            [
                c.opened, f"{c.open:.8f}", f"{c.high:.8f}", f"{c.low:.8f}", f"{c.close:.8f}", f"{c.volume:.8f}",
                c.opened + span - 1, f"{c.quote_volume:.8f}", c.trades, "0", "0", "0",
            ]
            for c in self._boards[symbol].candles.of(interval, limit)
        ]  # fmt: skip

    # --- what the data tells ---------------------------------------------------------------------------

    def _trade(self, symbol: str, board: _Board, row: dict[str, Any], micros: int) -> Sequence[Event]:
        price, quantity, ms = row["price"], row["quantity"], micros // 1_000
        board.trade_id += 1
        board.last = nearest_units(price)
        is_maker = bool(row["buyer_is_maker"])
        told_price, told_quantity = _text(board.last), _text(nearest_units(quantity))
        board.trades.append(
            {
                "id": board.trade_id, "price": told_price, "qty": told_quantity,
                "quoteQty": f"{price * quantity:.8f}", "time": ms, "isBuyerMaker": is_maker,
            }
        )  # fmt: skip
        self._publish(
            f"{symbol.lower()}@aggTrade",
            lambda: {
                "e": "aggTrade", "E": ms, "s": symbol, "a": board.trade_id, "p": told_price, "q": told_quantity,
                "f": board.trade_id, "l": board.trade_id, "T": ms, "m": is_maker,
            },
        )  # fmt: skip
        self._candle(symbol, board, ms, price, quantity)
        return self._exchange.core.on_trade(symbol, micros, board.last, nearest_units(quantity), is_maker)

    def _quote(self, symbol: str, board: _Board, row: dict[str, Any], micros: int) -> Sequence[Event]:
        names = ("bid", "bid_quantity", "ask", "ask_quantity")
        return self._exchange.core.on_quote(symbol, micros, *(nearest_units(row[name]) for name in names))

    def _mark(self, symbol: str, board: _Board, row: dict[str, Any], micros: int) -> Sequence[Event]:
        board.index = nearest_units(row["index_price"])
        events = self._exchange.core.on_mark(
            symbol, micros, nearest_units(row["mark_price"]), nearest_units(row["funding_rate"])
        )
        ms = micros // 1_000
        premium = self.premium(symbol, ms)
        self._publish(
            f"{symbol.lower()}@markPrice",
            lambda: {
                "e": "markPriceUpdate", "E": ms, "s": symbol, "p": premium["markPrice"],
                "i": premium["indexPrice"], "P": premium["markPrice"], "r": premium["lastFundingRate"],
                "T": premium["nextFundingTime"],
            },
        )  # fmt: skip
        return events

    def _bar(self, symbol: str, board: _Board, row: dict[str, Any], micros: int) -> Sequence[Event]:
        board.last = nearest_units(row["close"])
        ms = micros // 1_000
        for price in (row["open"], row["high"], row["low"]):
            board.candles.add(ms, price, 0.0, trades=0)
        self._candle(symbol, board, ms, row["close"], row["volume"])
        names = ("open", "high", "low", "close", "volume")
        return self._exchange.core.on_bar(
            symbol, micros - 1, micros, *(nearest_units(row[name]) for name in names)
        )

    def _book(self, batch: MarketBatch, board: _Board, levels: list[dict[str, Any]], micros: int) -> None:
        core, ms = self._exchange.core, micros // 1_000
        before, board.book_id = board.book_id, board.book_id + 1
        told = [
            (bool(row["is_bid"]), nearest_units(row["price"]), nearest_units(row["quantity"]))
            for row in levels
        ]
        if batch.kind is MarketKind.BOOK_SNAPSHOT:
            sides = ([(p, q) for bid, p, q in told if bid is side] for side in (True, False))
            self._exchange.happened(core.on_book(batch.symbol, micros, *sides))
        else:
            self._exchange.happened(core.on_depth(batch.symbol, micros, told))
        self._publish(
            f"{batch.symbol.lower()}@depth",
            lambda: {
                "e": "depthUpdate", "E": ms, "T": ms, "s": batch.symbol, "U": board.book_id, "u": board.book_id,
                "pu": before,
                "b": [[_text(p), _text(q)] for bid, p, q in told if bid],
                "a": [[_text(p), _text(q)] for bid, p, q in told if not bid],
            },
        )  # fmt: skip

    def _candle(self, symbol: str, board: _Board, ms: int, price: float, quantity: float) -> None:
        c = board.candles.add(ms, price, quantity)
        kline = {
            "t": c.opened, "T": c.opened + 59_999, "s": symbol, "i": "1m", "f": 0, "L": board.trade_id,
            "o": f"{c.open:.8f}", "c": f"{c.close:.8f}", "h": f"{c.high:.8f}", "l": f"{c.low:.8f}",
            "v": f"{c.volume:.8f}", "n": c.trades, "x": False, "q": f"{c.quote_volume:.8f}", "V": "0", "Q": "0",
            "B": "0",
        }  # fmt: skip
        self._publish(f"{symbol.lower()}@kline_1m", lambda: {"e": "kline", "E": ms, "s": symbol, "k": kline})

    def _show_touch(self, symbol: str, board: _Board, ms: int) -> None:
        """Publish the best prices, as they can be traded at, and the top of the book."""
        ticker = self.book_ticker(symbol, ms)
        if ticker is None:
            return
        self._publish(
            f"{symbol.lower()}@bookTicker",
            lambda: {
                "e": "bookTicker", "u": board.book_id, "s": symbol, "b": ticker["bidPrice"],
                "B": ticker["bidQty"], "a": ticker["askPrice"], "A": ticker["askQty"], "T": ms, "E": ms,
            },
        )  # fmt: skip
        self._publish(f"{symbol.lower()}@ticker", lambda: self.ticker_event(symbol, ms))
        for levels in (5, 10, 20):
            self._publish(f"{symbol.lower()}@depth{levels}", partial(self._top, symbol, levels, ms))

    def _top(self, symbol: str, levels: int, ms: int) -> dict[str, Any]:
        depth = self.depth(symbol, levels, ms)
        last = depth["lastUpdateId"]
        event = {"e": "depthUpdate", "E": ms, "T": ms, "s": symbol, "U": last, "u": last, "pu": last}
        return event | {"b": depth["bids"], "a": depth["asks"]}

    def ticker_event(self, symbol: str, ms: int) -> dict[str, Any]:
        """The event of the stream <symbol>@ticker."""
        day = self.day(symbol, ms)
        return {
            "e": "24hrTicker", "E": ms, "s": symbol, "p": day["priceChange"], "P": day["priceChangePercent"],
            "w": day["weightedAvgPrice"], "c": day["lastPrice"], "Q": day["lastQty"], "o": day["openPrice"],
            "h": day["highPrice"], "l": day["lowPrice"], "v": day["volume"], "q": day["quoteVolume"],
            "O": day["openTime"], "C": ms, "F": day["firstId"], "L": day["lastId"], "n": day["count"],
        }  # fmt: skip

    def _last(self, symbol: str) -> int:
        return self._boards[symbol].last or self._exchange.core.pits[symbol].market.mark


def _levels(offers: Iterable[tuple[int, int]], limit: int) -> list[list[str]]:
    found = []
    for price, quantity in offers:
        found.append(
            [_text(price), _text(min(quantity, _SHOWN_AT_MOST) if quantity < ENDLESS else _SHOWN_AT_MOST)]
        )
        if len(found) == limit:
            break
    return found


def _text(count: int) -> str:
    return f"{plain(amount_of(count)):f}"
