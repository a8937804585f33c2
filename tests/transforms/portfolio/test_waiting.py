"""A wish that names the market which it follows is judged by a mark that is no older, whichever comes first."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from contracts.message import Message
from contracts.orders import OrderRequest
from contracts.rows.trading import OrderRow, RiskVerdict
from tests.transforms.portfolio.desk_log import (
    BTC,
    ETH,
    Player,
    at,
    control,
    desk,
    mark,
    on,
    proposal,
    rows,
    said,
    signal,
    verdict,
)
from transforms.core import Output
from transforms.portfolio.report import ORDERS
from transforms.portfolio.waiting import KEPT, PATIENCE_SECONDS

D = Decimal

BEFORE, AFTER = mark(0, BTC, "40000"), mark(60, BTC, "41000")


def bid(as_of: float | None = 60, seconds: float = 60.04, name: str = "s", symbol: str = BTC) -> Message:
    """Beta's wish to buy for 410 dollars."""
    moment = None if as_of is None else at(as_of)
    return signal(seconds, name, "beta", symbol, "BUY", "410", as_of=moment)


def prices(outputs: list[Output]) -> list[Decimal]:
    orders: list[OrderRequest] = on(ORDERS, outputs)
    return [order.reference_price for order in orders]


def without_place(outputs: list[Output]) -> list[tuple[str, dict[str, Any]]]:
    """What was said, apart from where in the log that was."""
    content = [(output.port, orjson.loads(output.value.to_json())) for output in outputs]
    return [
        (port, {k: v for k, v in one.items() if k not in ("row_id", "position")}) for port, one in content
    ]


def test_a_signal_that_comes_before_its_mark_is_judged_by_it() -> None:
    play = Player(desk())
    play(BEFORE)
    assert play(bid()) == []
    outputs = play(AFTER)
    assert prices(outputs) == [D(41_000)]
    assert verdict(outputs) == ("all", "accepted")
    (row,) = rows(OrderRow, outputs)
    assert (row.event_time, row.position) == (at(60.04), 3)


@pytest.mark.parametrize(
    "wish", [bid(), proposal(60, "d", "alpha", BTC, "BUY", as_of=at(60)), bid(name="much", seconds=60.9)]
)
def test_whichever_comes_first_what_follows_is_the_same(wish: Message) -> None:
    first, second = Player(desk()), Player(desk())
    first(BEFORE)
    second(BEFORE)
    assert sorted(without_place(first(AFTER, wish)), key=repr) == sorted(
        without_place(second(wish, AFTER)), key=repr
    )


def test_the_first_bar_of_all_is_waited_for() -> None:
    play = Player(desk())
    assert play(bid(as_of=0, seconds=0.04)) == []
    assert prices(play(BEFORE)) == [D(40_000)]


def test_who_names_no_moment_or_an_old_one_is_judged_at_once() -> None:
    play = Player(desk())
    play(BEFORE)
    assert prices(play(bid(as_of=None, name="none"))) == [D(40_000)]
    assert prices(play(bid(as_of=0, name="old"))) == [D(40_000)]


def test_a_mark_of_another_symbol_is_not_the_one() -> None:
    play = Player(desk())
    play(BEFORE, bid())
    assert prices(play(mark(60, ETH, "2500"))) == []
    assert prices(play(AFTER)) == [D(41_000)]


def test_patience_ends_by_the_desks_clock() -> None:
    play = Player(desk())
    play(BEFORE, bid())
    assert play(mark(60 + PATIENCE_SECONDS - 0.1, ETH, "2500")) != []
    assert prices(play(mark(60 + PATIENCE_SECONDS, ETH, "2500"))) == [D(40_000)]


def test_nobody_follows_a_market_of_tomorrow() -> None:
    play = Player(desk())
    play(BEFORE)
    assert prices(play(bid(as_of=60 + PATIENCE_SECONDS + 1, seconds=60))) == [D(40_000)]


def test_wishes_are_judged_in_the_order_in_which_they_came() -> None:
    play = Player(desk())
    play(BEFORE, bid(name="one"), bid(name="two"), bid(name="one"))
    outputs = play(AFTER)
    assert [(row.check, row.reason) for row in rows(RiskVerdict, outputs)] == [
        ("all", "accepted"),
        ("all", "accepted"),
        ("duplicate", "heard_before"),
    ]


def test_what_happened_meanwhile_counts() -> None:
    play = Player(desk())
    play(BEFORE, bid(), control(60.05, "kill"))
    outputs = play(AFTER)
    assert prices(outputs) == []
    assert verdict(outputs) == ("kill_switch", "kill_switch_is_on")


def test_no_more_wait_than_are_kept() -> None:
    play = Player(desk())
    play(BEFORE, *(bid(name=f"s-{number}") for number in range(KEPT)))
    assert len(rows(RiskVerdict, play(bid(name="one more")))) == 1
    assert len(rows(RiskVerdict, play(AFTER))) == KEPT


def test_a_desk_that_starts_anew_still_knows_who_waits() -> None:
    play, anew = Player(desk()), desk()
    play(BEFORE, bid())
    anew.restore(play.core.dump())
    assert anew.dump() == play.core.dump()
    again = Player(anew)
    again.position = play.position
    assert without_place(again(AFTER)) == without_place(play(AFTER))


def test_a_state_from_before_there_was_waiting_is_taken_up() -> None:
    play = Player(desk())
    play(BEFORE)
    state = orjson.loads(play.core.dump())
    del state["waiting"]
    anew = desk()
    anew.restore(orjson.dumps(state))
    assert anew.dump() == play.core.dump()
    assert said("GUIDANCE", Player(anew)(AFTER)) == []
