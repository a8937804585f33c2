from decimal import Decimal

from contracts.risk.book import Book, Marked
from contracts.risk.exposure import Exposure
from contracts.risk.order_memory import OrderMemory
from tests.transforms.portfolio.desk_log import request

D = Decimal


def exposure() -> Exposure:
    """Alpha: 2 BTC held, buy 1 and sell 4 in flight. Beta: -1 BTC, 10 ETH. BTC at 100, ETH at 5."""
    book, orders = Book(D(1_000)), OrderMemory()
    book.mark("BTCUSDT", Marked(D(100), 1, True, ""))
    book.mark("ETHUSDT", Marked(D(5), 1, True, ""))
    book.fill("alpha", "BTCUSDT", D(2), D(100), D(0))
    book.fill("beta", "BTCUSDT", D(-1), D(100), D(0))
    book.fill("beta", "ETHUSDT", D(10), D(5), D(0))
    orders.open(request("o1", "alpha", "BTCUSDT", "BUY", "1"), 0)
    orders.open(request("o2", "alpha", "BTCUSDT", "SELL", "4"), 0)
    return Exposure.of(book, orders)


def test_what_is_in_flight_counts_at_its_worst() -> None:
    found = exposure()
    assert found.agent("alpha") == 300  # between -2 and 3
    assert found.agent("beta") == 150
    assert found.symbol_gross("BTCUSDT") == 400
    assert found.symbol_net("BTCUSDT") == 300  # between -3 and 2
    assert found.desk_gross() == 450
    assert found.desk_net() == 250  # between -300 + 50 and 200 + 50


def test_one_more_order_widens_the_range() -> None:
    assert exposure().after("alpha", "BTCUSDT", D(2)).agent("alpha") == 500
    assert exposure().agent("alpha") == 300


def test_only_what_no_order_in_flight_may_close_already_is_closable() -> None:
    book, orders = Book(D(1_000)), OrderMemory()
    book.fill("alpha", "BTCUSDT", D(5), D(100), D(0))
    orders.open(request("o1", "alpha", "BTCUSDT", "SELL", "2"), 0)
    orders.open(request("o2", "alpha", "BTCUSDT", "BUY", "4"), 0)
    found = Exposure.of(book, orders)
    assert found.closable("alpha", "BTCUSDT", -1) == 3
    assert found.closable("alpha", "BTCUSDT", 1) == 0
    assert found.closable("beta", "BTCUSDT", -1) == 0
