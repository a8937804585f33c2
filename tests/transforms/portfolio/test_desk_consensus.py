"""The agents' consensus in the desk's log: when it is told, and where an order needs it."""

from decimal import Decimal
from functools import partial

import pytest

from contracts.payloads import Side
from contracts.risk.limits import Limits
from contracts.rows.trading import RiskVerdict
from tests.transforms.jobs import raw, run_stream
from tests.transforms.portfolio.desk_log import (
    BTC,
    ROSTER,
    Player,
    control,
    desk,
    mark,
    proposal,
    rows,
    said,
    signal,
)
from transforms.portfolio.desk import Desk
from transforms.portfolio.report import SENDER

OPEN = mark(0, BTC, "40000")
ALPHA = proposal(1, "a", "alpha", BTC, "BUY", sure=0.9)
BETA = proposal(2, "b", "beta", BTC, "BUY", sure=0.9)


def test_it_is_told_when_two_agree_and_when_their_words_are_old() -> None:
    play = Player(desk())
    assert said("CONSENSUS", play(OPEN, ALPHA)) == []
    (told,) = said("CONSENSUS", play(BETA))
    assert (told.payload.side, told.payload.score) == (Side.BUY, 0.9)
    assert (told.payload.participants, told.sender, told.recipient) == (("alpha", "beta"), SENDER, None)
    assert (told.event_time, told.correlation_id) == (BETA.event_time, BETA.message_id)
    assert said("CONSENSUS", play(mark(299, BTC, "40000"))) == []
    (over,) = said("CONSENSUS", play(mark(300, BTC, "40000")))
    assert (over.payload.side, over.payload.participants) == (Side.HOLD, ())


def test_a_word_that_was_heard_before_a_closing_and_a_stranger_do_not_count() -> None:
    play = Player(desk())
    play(OPEN, ALPHA)
    closing = proposal(2, "b", "beta", BTC, "BUY", reduce_only=True)
    assert said("CONSENSUS", play(ALPHA, closing, proposal(3, "c", "nobody", BTC, "BUY"))) == []


def test_a_refused_wish_is_a_word_too() -> None:
    play = Player(desk())
    outputs = play(OPEN, control(0.5, "kill"), ALPHA, BETA)
    assert [row.accepted for row in rows(RiskVerdict, outputs)] == [False, False]
    assert len(said("CONSENSUS", outputs)) == 1


def last(limits: dict, *log) -> tuple[str, str, float | None, float | None]:
    row = rows(RiskVerdict, Player(desk(Limits(**limits)))(OPEN, *log))[-1]
    return row.check, row.reason, row.limit, row.observed


LARGE = {"consensus_size": Decimal("0.005")}  # of 100,000: alpha's cap of 3,000 is above, beta's of 1,000 too
GEARED = {"consensus_leverage": Decimal("1.5")}
AGAIN = proposal(3, "a2", "alpha", BTC, "BUY")


@pytest.mark.parametrize(
    ("limits", "log", "told"),
    [
        ({}, [ALPHA], ("all", "accepted", None, None)),
        (LARGE, [ALPHA], ("consensus", "no_consensus", 0.5, 0.0)),
        (LARGE, [ALPHA, BETA], ("all", "accepted", None, None)),
        (LARGE, [BETA, AGAIN], ("all", "accepted", None, None)),
        (LARGE, [proposal(2, "b", "beta", BTC, "SELL"), AGAIN], ("consensus", "no_consensus", 0.5, 0.0)),
        (
            LARGE | {"consensus_score": Decimal("0.95")},
            [ALPHA, BETA],
            ("consensus", "consensus_too_weak", 0.95, 0.9),
        ),
        (LARGE, [proposal(1, "a", "alpha", BTC, "BUY", 0.1)], ("all", "accepted", None, None)),
        (LARGE, [BETA, proposal(303, "a2", "alpha", BTC, "BUY"), ], ("fresh_price", "price_stale", 180.0, 303.0)),
        (GEARED, [ALPHA], ("all", "accepted", None, None)),
        (GEARED, [proposal(1, "a", "alpha", BTC, "BUY", leverage=2)], ("consensus", "no_consensus", 0.5, 0.0)),
        (GEARED, [BETA, proposal(3, "a", "alpha", BTC, "BUY", leverage=2)], ("all", "accepted", None, None)),
        (
            LARGE | {"consensus_agents": 1},
            [signal(1, "s", "beta", BTC, "BUY", "900")],
            ("all", "accepted", None, None),
        ),
    ],
)  # fmt: skip
def test_an_order_above_the_bounds_needs_it(limits, log, told) -> None:
    assert last(limits, *log) == told


def test_on_a_stream_it_is_kept_in_the_state_between_bundles() -> None:
    core = partial(Desk, roster=ROSTER, limits=Limits())

    def script(stream):
        for message in (OPEN, ALPHA, BETA, mark(301, BTC, "40000")):
            stream = stream.add_elements([raw(message)])
        return stream

    ran = run_stream(script, core)
    told = [m.payload.side for m in ran.values("messages") if m.type == "CONSENSUS"]
    assert told == [Side.BUY, Side.HOLD]
