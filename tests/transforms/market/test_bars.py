from tests.transforms.market.batches import at, trades, venue_bar
from transforms.market.bars import SECOND, Bar, OpenBars, add_trades, venue_bars
from transforms.market.candles import Trades


def tape(*rows: tuple[float, float, float]) -> Trades:
    return Trades.of(trades(1, *rows).rows)


def test_the_timeline_of_the_module() -> None:
    bars, latest, lateness, closed, late = OpenBars(1), 0, SECOND // 2, [], []
    for second in (0.2, 1.1, 0.9, 1.6, 0.8):
        late.append(add_trades(tape((second, 100.0 + second, 1.0)), (bars,), latest, lateness))
        latest = max(latest, at(second))
        closed.append(list(bars.close(latest - lateness)))
    first = Bar(1, at(0), 100.2, 100.9, 100.2, 100.9, 2.0, 201.1, 2.0, 2)
    assert closed == [[], [], [], [first], []]
    assert late == [0, 0, 0, 0, 1]
    assert [bar.open for bar in bars.close()] == [101.1]


def test_a_late_trade_joins_the_longer_bar_that_is_still_open() -> None:
    seconds, minutes = OpenBars(1), OpenBars(60)
    add_trades(tape((0.5, 100.0, 1.0), (5.0, 101.0, 1.0)), (seconds, minutes), 0, 0)
    assert [bar.open_micros for bar in seconds.close(at(5.0))] == [at(0)]
    assert add_trades(tape((0.7, 99.0, 2.0)), (seconds, minutes), at(5.0), 0) == 1
    assert list(minutes.close()) == [Bar(60, at(0), 100.0, 101.0, 99.0, 101.0, 4.0, 399.0, 4.0, 3)]


def test_a_stretch_that_was_heard_of_without_a_trade_is_flat() -> None:
    bars = OpenBars(60, flat=True)
    bars.hear(tape((30, 1.0, 1.0)).times)
    assert list(bars.close(at(60))) == []  # its trades are not followed
    add_trades(tape((70, 100.0, 1.0)), (bars,), at(30), 0)
    bars.hear(tape((130, 1.0, 1.0), (310, 1.0, 1.0)).times)
    assert list(bars.close(at(360))) == [
        Bar(60, at(60), 100.0, 100.0, 100.0, 100.0, 1.0, 100.0, 1.0, 1),
        Bar.flat(at(120), 60, 100.0),
        Bar.flat(at(300), 60, 100.0),
    ]


def test_the_venues_bar_takes_the_place_of_ours() -> None:
    bars = OpenBars(60)
    add_trades(tape((10, 100.0, 1.0), (70, 101.0, 1.0)), (bars,), 0, 0)
    (theirs,) = venue_bars(venue_bar(1, 120, 105.0).rows)
    taken = list(bars.take(theirs))
    assert [bar.close for bar in taken] == [100.0, 105.0]
    assert not bars.is_open(at(119))
    assert theirs == Bar(60, at(60), 105.0, 106.0, 104.0, 105.0, 10.0, 1050.0, 2.5, 7)


def test_unsound_bars_are_told() -> None:
    (sound,) = venue_bars(venue_bar(1, 60, 105.0).rows)
    assert sound.is_sound
    nan = float("nan")
    wrong = [
        {"low": 106.0}, {"high": 104.0}, {"close": nan}, {"low": 0.0}, {"high": float("inf")}, {"volume": -1.0},
        {"volume": nan}, {"taker_buy_volume": 11.0}, {"quote_volume": nan}, {"trades": -1}, {"seconds": 0},
    ]  # fmt: skip
    assert not any(sound._replace(**change).is_sound for change in wrong)


def test_open_bars_go_on_from_their_state() -> None:
    bars, again = OpenBars(60, flat=True), OpenBars(60, flat=True)
    add_trades(tape((10, 100.0, 1.0), (70, 101.0, -1.0)), (bars,), 0, 0)
    bars.hear(tape((130, 1.0, 1.0)).times)
    list(bars.close(at(60)))
    again.take_up(bars.state())
    assert again.state() == bars.state()
    assert list(again.close()) == list(bars.close())
