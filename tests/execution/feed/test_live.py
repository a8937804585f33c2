"""The feed against a server that speaks Aster's API, through ccxt itself."""

import gzip
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.market_data import MarketKind
from execution.feed.live.errors import FeedError
from execution.feed.live.frames import Frames
from execution.feed.live.recorder import Recorder
from execution.feed.recordings import open_recording
from execution.feed.stop import Stop
from tests.execution.feed.aster_server import AsterServer, Subscriber, accept
from tests.execution.feed.live_desk import Desk, feeding
from tests.execution.feed.raw_lines import START_MS, book_snapshot, book_update, kline, mark, quote, write
from tests.transforms.test_order_book import SHARED, Venue
from transforms.order_book import OrderBook


@pytest.fixture
def server() -> Iterator[AsterServer]:
    with AsterServer() as running:
        yield running


def trade(number: int, symbol: str = "BTCUSDT", **fields: Any) -> dict[str, Any]:
    return {"e": "aggTrade", "E": START_MS + number, "s": symbol, "a": number, "p": "100.5", "q": "0.25", "f": 1,
            "l": 2, "T": START_MS + number, "m": False} | fields  # fmt: skip


def trade_ids(desk: Desk, symbol: str = "BTCUSDT") -> list[int]:
    return [row["trade_id"] for row in desk.rows(MarketKind.TRADE, symbol)]


def test_every_kind_of_every_symbol_arrives_and_is_recorded(server: AsterServer, tmp_path: Path) -> None:
    async def play(subscriber: Subscriber) -> None:
        await accept(subscriber)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            for event in (trade(1, symbol), quote(symbol=symbol), mark(s=symbol), trade(2, symbol)):
                await subscriber.send(event)
        for event in (kline(closed=False), kline(), book_update(99, 101, 98), book_update(102, 102, 101)):
            await subscriber.send(event)
        await subscriber.stay()

    server.plays.append(play)
    server.books.append(book_snapshot(100))
    desk = Desk()
    path = tmp_path / "day.jsonl.gz"
    with feeding(server, desk, ("BTCUSDT", "ETHUSDT"), recorder=Recorder(path)):
        desk.until_book_is_at(102)
        desk.until(lambda: trade_ids(desk, "ETHUSDT") == [1, 2] and bool(desk.rows(MarketKind.BAR)))
        desk.until(
            lambda: bool(desk.rows(MarketKind.MARK, "ETHUSDT") and desk.rows(MarketKind.QUOTE, "ETHUSDT"))
        )
    book = desk.books["BTCUSDT"]
    assert (book.is_current, book.counts.gaps) == (True, 0)
    flow = desk.view.flow
    assert (flow["in"], flow["out"], flow["refused"], flow["held"]) == (13, 12, 1, 0)
    assert flow["refused:open bar"] == 1
    assert server.requests == ["exchangeInfo", "depth BTCUSDT 1000"]
    [asked] = server.subscriptions
    assert asked["method"] == "SUBSCRIBE"
    assert asked["params"] == [
        f"{symbol}@{channel}"
        for symbol in ("btcusdt", "ethusdt")
        for channel in ("aggTrade", "bookTicker", "depth@100ms", "markPrice@1s", "kline_1m")
    ]
    recording = open_recording(path)
    recorded = list(recording.batches())
    assert recording.counts.read == flow["in"] and recording.counts.refused == {"open bar": 1}
    assert sorted((b.batch.symbol, b.batch.kind, b.batch.rows.num_rows) for b in recorded) == sorted(
        (b.symbol, b.kind, b.rows.num_rows) for b in desk.batches
    )


def test_a_lost_connection_comes_back_and_the_book_with_it(server: AsterServer) -> None:
    async def first(subscriber: Subscriber) -> None:
        await accept(subscriber)
        await subscriber.send(book_update(99, 101, 98))
        await subscriber.send(trade(1))
        await subscriber.arrived()
        await server.step()  # and then the venue closes the connection

    async def second(subscriber: Subscriber) -> None:
        await accept(subscriber)
        await subscriber.send(book_update(205, 206, 204, b=[["99.0", "5"]], a=[]))
        await subscriber.send(trade(2))
        await subscriber.stay()

    server.plays.extend([first, second])
    server.books.extend([book_snapshot(100), book_snapshot(205, bids=[["98.0", "1"]], asks=[["101.0", "2"]])])
    desk = Desk()
    with feeding(server, desk):
        desk.until(lambda: "BTCUSDT" in desk.books and desk.books["BTCUSDT"].is_current)
        server.go()
        desk.until(lambda: desk.books["BTCUSDT"].last_id == 206 and trade_ids(desk) == [1, 2])
    book = desk.books["BTCUSDT"]
    assert book.levels() == ({98.0: 1.0, 99.0: 5.0}, {101.0: 2.0})
    flow = desk.view.flow
    assert (flow["connections"], flow["connections lost"], flow["book gaps"]) == (2, 1, 1)
    assert [asked["id"] for asked in server.subscriptions] == [1, 2]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_gaps_repetitions_and_overtaking_never_leave_a_wrong_book(server: AsterServer, seed: int) -> None:
    venue = Venue(seed, 90)
    ids = list(venue.states)
    events = []
    for rows in venue.log:
        first, last, previous = rows[0][:3]
        sides = {is_bid: [[str(r[4]), str(r[5])] for r in rows if r[3] is is_bid] for is_bid in (True, False)}
        events.append(book_update(first, last, previous, b=sides[True], a=sides[False]))
    sent = list(events)
    del sent[70:72]  # lost
    sent[50], sent[51] = sent[51], sent[50]  # overtaken
    sent.insert(33, sent[29])  # late, and again
    sent.insert(20, sent[20])  # twice
    at, stops = [ids[0]], (1, 54, 75)

    def snapshot() -> dict[str, Any]:
        bids, asks = venue.states[at[0]]
        return {
            "lastUpdateId": at[0], "E": START_MS, "T": START_MS,
            "bids": [[str(p), str(q)] for p, q in bids.items()],
            "asks": [[str(p), str(q)] for p, q in asks.items()],
        }  # fmt: skip

    async def play(subscriber: Subscriber) -> None:
        await accept(subscriber)
        for number, event in enumerate(sent):
            if number in stops:
                await server.step()
            await subscriber.send(event)
            at[0] = max(at[0], event["u"])
        await subscriber.stay()

    server.plays.append(play)
    server.books.append(snapshot)
    desk = Desk()
    with feeding(server, desk, channels=("book",)):
        for stop in stops:  # each time that the play waits, the book becomes current again
            reached = max(event["u"] for event in sent[:stop])
            desk.until_book_is_at(reached)
            assert desk.books["BTCUSDT"].levels() == venue.states[reached]
            server.go()
        desk.until_book_is_at(ids[-1])
    book = desk.books["BTCUSDT"]
    assert book.is_current and book.levels() == venue.states[ids[-1]]
    flow = desk.view.flow
    assert flow["book gaps"] == book.counts.gaps == 2
    assert flow["in"] == flow["out"] == len(sent) + flow["book snapshots"]
    assert flow["refused"] == flow["held"] == 0


def test_malformed_frames_are_counted_and_the_rest_goes_on(server: AsterServer) -> None:
    malformed = [
        b"{broken",
        b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","s":"BTCUSDT"',
        b"",
        b"[1,2]",
        b'"text"',
        orjson.dumps({"stream": "btcusdt@aggTrade", "data": trade(7, p="cheap")}),
        orjson.dumps({"stream": "btcusdt@aggTrade", "data": {"e": "aggTrade", "s": "BTCUSDT"}}),
        orjson.dumps({"stream": "btcusdt@forceOrder", "data": {"e": "forceOrder", "s": "BTCUSDT"}}),
    ]

    async def play(subscriber: Subscriber) -> None:
        await accept(subscriber)
        await subscriber.send(trade(1))
        for number, frame in enumerate(malformed):
            await subscriber.raw(frame)
            await subscriber.send(trade(number + 2))
        await subscriber.stay()

    server.plays.append(play)
    desk = Desk()
    with feeding(server, desk, channels=("trades",)):
        desk.until(lambda: trade_ids(desk) == list(range(1, 10)))
    flow = desk.view.flow
    assert (flow["in"], flow["out"], flow["refused"], flow["connections"]) == (17, 9, 8, 1)
    assert {name: count for name, count in flow.items() if name.startswith("refused:")} == {
        "refused:not JSON": 3, "refused:not a market event": 2, "refused:trade with a wrong value": 1,
        "refused:trade without a": 1, "refused:unknown event forceOrder": 1,
    }  # fmt: skip


def test_a_venue_that_asks_to_slow_down_is_asked_again_later(server: AsterServer) -> None:
    async def play(subscriber: Subscriber) -> None:
        await accept(subscriber)
        await subscriber.send(book_update(99, 101, 98))
        await subscriber.stay()

    limited = b'{"code":-1003,"msg":"Too many requests; current limit is 2400 request weight per 1 MINUTE."}'
    server.plays.append(play)
    server.info_failures = 1
    server.books.extend(
        [
            (429, {"Retry-After": "0"}, limited),
            (418, {}, b"<html>banned</html>"),
            (200, {}, b"<html>maintenance</html>"),
            book_snapshot(100),
        ]
    )
    desk = Desk()
    with feeding(server, desk, channels=("book",)):
        desk.until_book_is_at(101)
    flow = desk.view.flow
    assert (flow["rate limited"], flow["snapshot requests failed"], flow["connections"]) == (2, 3, 1)
    assert Counter(server.requests) == {"exchangeInfo": 2, "depth BTCUSDT 1000": 4}


def test_a_refused_subscription_and_a_silent_connection_are_tried_again(server: AsterServer) -> None:
    async def refuse(subscriber: Subscriber) -> None:
        await subscriber.raw(b'{"error":{"code":2,"msg":"Invalid request: unknown stream"},"id":1}')
        await subscriber.stay()

    async def silent(subscriber: Subscriber) -> None:
        await accept(subscriber)
        await subscriber.stay()

    async def well(subscriber: Subscriber) -> None:
        await accept(subscriber)
        await subscriber.send(trade(1))
        await server.step()

    server.plays.extend([refuse, silent, well])
    desk = Desk()
    with feeding(server, desk, channels=("trades",), silence=2.0):
        desk.until(lambda: trade_ids(desk) == [1])
        server.go()
    flow = desk.view.flow
    assert flow["subscriptions refused"] == 1
    assert flow["silences"] >= 1
    assert flow["connections lost"] >= 2


def test_a_symbol_that_the_venue_does_not_list_is_one_clear_sentence(server: AsterServer) -> None:
    desk = Desk()
    with (
        pytest.raises(FeedError, match=r"^Aster lists no perpetual XYZUSDT: choose with --symbols"),
        feeding(server, desk, ("BTCUSDT", "XYZUSDT")),
    ):
        desk.until(lambda: False)


def test_a_slow_pubsub_is_said_and_what_is_dropped_is_counted(
    server: AsterServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("execution.feed.publishing._SLOW_AFTER", 0.001)
    monkeypatch.setattr("execution.feed.live.live_feed._FLUSH_SECONDS", 0.001)
    dropped_some = threading.Event()
    frames = Frames(most=5)

    async def play(subscriber: Subscriber) -> None:
        await accept(subscriber)
        await subscriber.send(trade(1))
        await server.step()
        await subscriber.send(trade(2))
        await server.step()
        for number in range(3, 21):
            await subscriber.send(trade(number))
        await subscriber.arrived()
        dropped_some.set()
        await subscriber.stay()

    class Waiting(Stop):
        """Tells when the feed waits for Pub/Sub."""

        waits = threading.Event()

        def sleep(self, seconds: float) -> bool:
            self._asked.wait(seconds)
            return super().goes_on()

        def goes_on(self) -> bool:
            self.waits.set()
            return super().goes_on()

    stop = Waiting()
    server.plays.append(play)
    desk = Desk(answers=False)
    with feeding(server, desk, channels=("trades",), frames=frames, unconfirmed=1, stop=stop):
        desk.until(lambda: trade_ids(desk) == [1])
        server.go()
        assert stop.waits.wait(30)
        server.go()
        assert dropped_some.wait(30)
    flow = desk.view.flow
    assert flow["in"] == 20 and flow["out"] == 0 and flow["held"] == 1
    assert flow["refused:dropped: too many waited"] + flow["refused:dropped: no room at the end"] == 19
    assert flow["refused:dropped: too many waited"] >= 1
    said = capsys.readouterr().out
    assert "Pub/Sub is slow: waiting" in said and "frames were dropped: Pub/Sub does not keep up" in said


def test_sigterm_ends_the_command_cleanly_and_the_recording_is_whole(
    server: AsterServer, tmp_path: Path
) -> None:
    all_there = threading.Event()

    async def play(subscriber: Subscriber) -> None:
        await accept(subscriber)
        for number in range(1, 1_501):
            await subscriber.send(trade(number))
        await subscriber.arrived()
        all_there.set()
        await subscriber.stay()

    server.plays.append(play)
    path = tmp_path / "day.jsonl"
    command = [
        sys.executable, "-m", "execution.feed.live", "--no-publish", "--record", str(path), "--symbols", "BTCUSDT",
        "--kinds", "trades", "--rest-url", server.rest_url, "--stream-url", server.stream_url,
    ]  # fmt: skip
    environment = os.environ | {"REDIS_URL": "redis://127.0.0.1:1/0", "COLUMNS": "200"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert all_there.wait(60)
        process.send_signal(signal.SIGTERM)
        said, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, errors) == (0, "")
    assert "Fed 1,500 events" in said and "1,500 recorded; 0 refused, 0 unconfirmed; 0 book gaps." in said
    recording = open_recording(path)
    assert [b.events for b in recording.batches() if b.events > 500] == []
    assert recording.counts.events == {MarketKind.TRADE: 1_500}


@pytest.mark.skipif(not SHARED.exists(), reason="the development recording is not on this machine")
def test_the_development_recording_arrives_as_it_was_lived(server: AsterServer, tmp_path: Path) -> None:
    with gzip.open(SHARED, "rb") as file:
        lines = [next(file) for _ in range(6_000)]
    snapshots = [line for line in lines if not orjson.loads(line[20:]).get("stream")]
    [snapshot] = snapshots
    streamed = [line[20:].rstrip() for line in lines if line != snapshot]

    async def play(subscriber: Subscriber) -> None:
        await accept(subscriber)
        for frame in streamed:
            await subscriber.raw(frame)
        await subscriber.stay()

    server.plays.append(play)
    server.books.append(orjson.loads(snapshot[20:]))
    lived = list(open_recording(write(tmp_path / "r.jsonl", [line.rstrip() for line in lines])).batches())
    counts = Counter({kind: sum(b.events for b in lived if b.batch.kind is kind) for kind in MarketKind})
    desk = Desk()
    with feeding(server, desk, channels=("trades", "quotes", "book")):
        desk.until(lambda: len(desk.rows(MarketKind.QUOTE)) == counts[MarketKind.QUOTE])
        desk.until(lambda: "BTCUSDT" in desk.books and desk.books["BTCUSDT"].is_current)
        last = max(
            row["last_id"]
            for b in lived
            if b.batch.kind is MarketKind.BOOK_UPDATE
            for row in b.batch.rows.to_pylist()
        )
        desk.until_book_is_at(last)
    for kind in (MarketKind.TRADE, MarketKind.QUOTE, MarketKind.BOOK_UPDATE):
        then = [row for b in lived if b.batch.kind is kind for row in b.batch.rows.to_pylist()]
        assert desk.rows(kind) == then
    book = OrderBook()
    for timed in sorted(lived, key=lambda b: b.batch.kind is MarketKind.BOOK_UPDATE):
        match timed.batch.kind:
            case MarketKind.BOOK_SNAPSHOT:
                book.apply_snapshot(timed.batch.rows)
            case MarketKind.BOOK_UPDATE:
                book.apply_updates(timed.batch.rows)
    assert desk.books["BTCUSDT"].levels() == book.levels()
    flow = desk.view.flow
    assert (flow["in"], flow["out"], flow["book gaps"]) == (6_000, 6_000, 0)
