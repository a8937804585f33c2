from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from google.api_core.exceptions import InternalServerError, NotFound
from redis.exceptions import ConnectionError as RedisConnectionError
from typer.testing import CliRunner

from contracts.live_view import LiveView
from contracts.market_data import MarketKind, read_market_batch
from execution.feed.pacing import Pacer, clock_setter
from execution.feed.publishing import MarketPublisher, PublishingError
from execution.feed.recordings import Recording, open_recording
from execution.feed.replay import Replay, app, read_speed
from execution.feed.replay_flow import FlowReport
from execution.feed.stop import Stop
from tests.execution.feed.raw_lines import line, trade, write


class FixedWall:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


class Client:
    """Pub/Sub's client as far as it is used; `answer` decides what becomes of each message."""

    def __init__(self, answer: Callable[[int, Future], None]) -> None:
        self.answer = answer
        self.sent: list[tuple[bytes, str, dict[str, str]]] = []
        self.resumed: list[str] = []

    def publish(self, topic: str, data: bytes, ordering_key: str, **attributes: str) -> Future:
        future: Future = Future()
        self.sent.append((data, ordering_key, attributes))
        self.answer(len(self.sent), future)
        return future

    def resume_publish(self, topic: str, ordering_key: str) -> None:
        self.resumed.append(ordering_key)


class View:
    """Redis as far as it is used."""

    def __init__(self) -> None:
        self.hashes: list[tuple[str, dict[str, Any]]] = []
        self.fails = False

    def hset(self, key: str, mapping: dict[str, Any]) -> None:
        if self.fails:
            raise RedisConnectionError("gone")
        self.hashes.append((key, mapping))


def accepted(_number: int, future: Future) -> None:
    future.set_result("id")


def unanswered(_number: int, _future: Future) -> None:
    return


def replay_of(
    recording: Recording, client: Client, most: int = 1_000, seconds: float | None = None
) -> Replay:
    stop = Stop(seconds)
    publisher = MarketPublisher(client, "topic", most, FixedWall())  # type: ignore[arg-type]
    return Replay(recording, publisher, Pacer(0, FixedWall(), stop.sleep, clock_setter("wall")), stop)


def run(replay: Replay) -> dict[str, Any]:
    view = View()
    replay.run(FlowReport(view, LiveView("main"), "replay", replay.counts))  # type: ignore[arg-type]
    key, flow = view.hashes[-1]
    assert key == "sapphire:main:flow:replay"
    assert flow["in"] == flow["out"] + flow["refused"] + flow["held"]
    return flow


def test_every_bar_of_the_sample_is_published_in_order() -> None:
    client = Client(accepted)
    flow = run(replay_of(open_recording(), client))
    assert flow == {
        "in": 2_880, "out": 2_880, "refused": 0, "held": 0, "batches": 2_880,
        "event_time": "2024-01-16T00:00:00+00:00",
    }  # fmt: skip
    for symbol in ("BTCUSDT", "ETHUSDT"):
        batches = [
            read_market_batch(data, attributes) for data, key, attributes in client.sent if key == symbol
        ]
        assert [batch.sequence for batch in batches] == list(range(1, 1_441))
        assert {(batch.symbol, batch.kind) for batch in batches} == {(symbol, MarketKind.BAR)}
    assert {attributes["sent_at"] for _, _, attributes in client.sent} == {"2026-01-01T00:00:00+00:00"}


def test_what_was_not_published_is_counted_by_its_reason(tmp_path: Path) -> None:
    lines = [line(i * 300, trade(i)) for i in range(4)] + [line(1_300, trade(9, X="NA")), b"?"]

    def second_fails(number: int, future: Future) -> None:
        if number == 2:
            future.set_exception(InternalServerError("no"))
        else:
            future.set_result("id")

    client = Client(second_fails)
    replay = replay_of(open_recording(write(tmp_path / "r.jsonl", lines)), client)
    flow = run(replay)
    assert flow == {
        "in": 6, "out": 3, "refused": 3, "held": 0, "batches": 4, "event_time": "2024-08-08T23:54:15+00:00",
        "refused:no receive time": 1, "refused:not an ordinary trade": 1, "refused:not taken by Pub/Sub": 1,
    }  # fmt: skip
    assert client.resumed == ["BTCUSDT"], "the symbol goes on after a failure"
    assert "3 events in 4 batches" in replay.summary(1.0)
    assert "3 refused (1 no receive time, 1 not an ordinary trade), 0 unconfirmed" in replay.summary(1.0)


def test_a_missing_topic_ends_the_replay() -> None:
    client = Client(lambda _number, future: future.set_exception(NotFound("no such topic")))
    replay = replay_of(open_recording(), client)
    with pytest.raises(PublishingError, match="takes no market data on topic: 404 no such topic"):
        run(replay)
    assert len(client.sent) == 1


def test_no_more_is_under_way_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("execution.feed.publishing._SLOW_AFTER", 0.001)
    monkeypatch.setattr("execution.feed.replay._FLUSH_SECONDS", 0.001)
    client = Client(unanswered)
    replay = replay_of(open_recording(), client, most=5)
    asked = iter([True, True, False])
    monkeypatch.setattr(replay.stop, "goes_on", lambda: next(asked, False))
    monkeypatch.setattr(replay.pacer, "wait_until", lambda _moment: True)
    flow = run(replay)
    assert len(client.sent) == 5
    assert (flow["in"], flow["out"], flow["held"]) == (6, 0, 6), "the sixth was due and is not lost sight of"


def test_a_live_view_that_is_gone_does_not_hold_the_replay() -> None:
    view, now = View(), [0.0]
    report = FlowReport(view, LiveView("main"), "replay", lambda: {"in": 1}, lambda: now[0])  # type: ignore[arg-type]
    view.fails = True
    report.write_if_due()
    view.fails = False
    now[0] = 9.9
    report.write_if_due()
    assert view.hashes == [], "tried again after ten seconds"
    for now[0] in (10.0, 10.5, 11.0):
        report.write_if_due()
    assert len(view.hashes) == 2


def test_stop_when_asked_or_when_the_time_is_over() -> None:
    stop = Stop()
    assert stop.sleep(0)
    stop.ask()
    assert not stop.sleep(100), "returns at once"
    assert not Stop(seconds=0).sleep(100)


def test_speed() -> None:
    assert [read_speed(value) for value in ("60", "0.5", "0", "max")] == [60.0, 0.5, 0.0, 0.0]
    for wrong in ("quick", "-1", "nan", "inf"):
        with pytest.raises(typer.BadParameter):
            read_speed(wrong)


def test_a_recording_that_is_not_there_is_one_clear_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path / "nowhere")])
    assert result.exit_code == 2
    assert result.stderr.startswith("There is no recording ")
    assert "Traceback" not in result.output
