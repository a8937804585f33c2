"""How far the parts of the capital move from their shares."""

from decimal import Decimal

from contracts.risk.allotments import Allotments
from contracts.risk.book import Book, Marked
from contracts.risk.drift import Drift, drifts, farthest
from contracts.risk.money import EXACT

D = Decimal


def test_what_an_agent_earns_makes_its_part_larger() -> None:
    book, allotments = Book(D(10_000)), Allotments()
    allotments.give({"a": D(6_000), "b": D(2_000)}, book)
    assert farthest(drifts(allotments, book)) == 0
    book.fill("a", "BTCUSDT", D(1), D(40_000), D(0))
    book.mark("BTCUSDT", Marked(D(40_400), 1, True, ""))
    found = drifts(allotments, book)
    assert found["a"] == Drift(D(6_400), EXACT.divide(D(6_400), D(8_400)), D("0.75"))
    assert round(found["b"].amount, 4) == D("-0.0119")
    assert farthest(found) == abs(found["a"].amount) > D("0.0119")
    assert EXACT.add(found["a"].part, found["b"].part) == 1


def test_who_lost_everything_has_no_part_and_before_all_there_is_none() -> None:
    book, allotments = Book(D(10_000)), Allotments()
    assert drifts(allotments, book) == {}
    assert farthest({}) == 0
    allotments.give({"a": D(100), "b": D(100)}, book)
    book.fill("a", "BTCUSDT", D(1), D(400), D(0))
    book.mark("BTCUSDT", Marked(D(1), 1, True, ""))
    assert [drift.part for drift in drifts(allotments, book).values()] == [0, 1]
