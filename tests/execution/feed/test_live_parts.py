"""The feed's parts by themselves."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from contracts.market_data import MarketKind
from execution.feed.live.__main__ import app
from execution.feed.live.backoff import Backoff
from execution.feed.live.book_chain import BookChain
from execution.feed.live.channels import CHANNELS, streams_of
from execution.feed.live.command import ALL_KINDS
from execution.feed.live.errors import FeedError
from execution.feed.live.frames import Frames
from execution.feed.live.recorder import Recorder
from tests.transforms.test_order_book import Venue, rows, snapshot
from transforms.order_book import OrderBook


def test_the_chain_of_the_docstring() -> None:
    chain = BookChain()
    chain.apply_updates(rows((98, 103, 97, True, 1.0, 1.0)))
    assert chain.needs_snapshot
    chain.apply_snapshot(100)
    chain.apply_updates(rows((104, 107, 103, True, 1.0, 1.0)))
    chain.apply_updates(rows((104, 107, 103, True, 1.0, 1.0)))
    assert (chain.is_whole, chain.last_id, chain.repeated, chain.gaps) == (True, 107, 1, 0)
    chain.apply_updates(rows((111, 115, 110, True, 1.0, 1.0)))
    assert (chain.needs_snapshot, chain.gaps) == (True, 1)
    chain.apply_snapshot(109)
    assert (chain.needs_snapshot, chain.snapshots_not_joined) == (True, 1)
    chain.apply_snapshot(112)
    assert (chain.is_whole, chain.last_id, chain.gaps) == (True, 115, 1)


@given(
    seed=st.integers(0, 10_000),
    order=st.lists(st.integers(0, 29), min_size=1, max_size=60),
    snapshots=st.lists(st.integers(0, 30), max_size=60),
    batch=st.integers(1, 5),
)
def test_the_chain_is_whole_when_a_reader_can_keep_the_book(
    seed: int, order: list[int], snapshots: list[int], batch: int
) -> None:
    venue = Venue(seed, 30)
    ids = list(venue.states)
    chain, book = BookChain(), OrderBook()
    moments = iter(snapshots)
    for place in range(0, len(order), batch):
        content = rows(*(row for at in order[place : place + batch] for row in venue.log[at]))
        chain.apply_updates(content)
        book.apply_updates(content)
        assert (chain.is_whole, chain.last_id) == (book.is_current, book.last_id)
        if chain.needs_snapshot and (at := next(moments, None)) is not None:
            chain.apply_snapshot(ids[at])
            book.apply_snapshot(snapshot(ids[at], venue.states[ids[at]]))
            assert (chain.is_whole, chain.last_id) == (book.is_current, book.last_id)
    assert chain.gaps + chain.snapshots_not_joined == book.counts.gaps


def test_frames_are_lines_of_a_recording_and_no_more_than_the_bound() -> None:
    frames = Frames(most=2)
    for number in range(4):
        frames.put(1_700_000_000_000_000_000 + number, b'{\n"a":%d}' % number)
    frames.put(1_700_000_000_000_000_009, b"{}", needed=True)
    assert (frames.waiting, frames.dropped) == (3, 2)
    lines = [b'1700000000000000000 { "a":0}', b'1700000000000000001 { "a":1}', b"1700000000000000009 {}"]
    assert frames.take() == lines
    assert frames.take() == []


@pytest.mark.parametrize("name", ["new/day.jsonl", "day.jsonl.gz"])
def test_the_recorder_writes_lines_and_never_over_a_recording(tmp_path: Path, name: str) -> None:
    path, now = tmp_path / name, [0.0]
    recorder = Recorder(path, lambda: now[0])
    recorder.write([b"1 a", b"2 b"])
    now[0] = 5.0
    recorder.write([b"3 c"])
    recorder.close()
    content = path.read_bytes()
    assert (gzip.decompress(content) if name.endswith(".gz") else content) == b"1 a\n2 b\n3 c\n"
    assert recorder.lines == 3
    with pytest.raises(FeedError, match="is there already: give --record another name"):
        Recorder(path)
    with pytest.raises(FeedError, match="cannot be written"):
        Recorder(path / "below-a-file.jsonl")


def test_backoff_doubles_to_its_bound_and_starts_over() -> None:
    backoff = Backoff(0.5, 30.0)
    for wait in (0.5, 1, 2, 4, 8, 16, 30, 30):
        assert 0.75 * wait <= backoff.next() <= wait
    assert backoff.next(at_least=60) == 60
    backoff.start_over()
    assert backoff.next() <= 0.5


def test_channels() -> None:
    assert ",".join(CHANNELS) == ALL_KINDS
    assert {kind for _, kind in CHANNELS.values()} == set(MarketKind) - {MarketKind.BOOK_SNAPSHOT}
    assert streams_of("BTCUSDT", ("book", "bars")) == ["btcusdt@depth@100ms", "btcusdt@kline_1m"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--no-publish"], "There is nothing to do: --no-publish needs --record FILE."),
        (["--kinds", "trades,candles"], "choose from trades,quotes,book,marks,bars"),
        (["--symbols", ","], "name at least one"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert sentence in result.output and "Traceback" not in result.output
