"""The market core's state: a core that is restored anywhere goes on to the same bytes, and nothing readable breaks it."""

from functools import cache

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.market_data import SCHEMAS, MarketBatch, MarketKind, read_market_batch, rows_of
from contracts.rows.market import MarketBar
from tests.transforms.market.batches import SYMBOL, at, book, marks, quotes, tell, trades, venue_bar
from tests.transforms.market.test_symbol import WHOLE, adds_up, market, said
from transforms.core import ROWS, Output
from transforms.market.symbol import MARKS, SNAPSHOTS


@cache
def busy_log(seconds: int = 100) -> tuple[MarketBatch, ...]:
    """Trades, quotes, marks and venue bars in turn, a batch a second each, some out of order."""
    log: list[MarketBatch] = []
    for n in range(1, seconds):
        price = 100.0 + (n * 7 % 13) / 10
        log.append(quotes(n, (n + 0.1, price - 0.1, 1.0 + n % 3, price + 0.1, 2.0)))
        log.append(
            trades(n, (n + 0.4, price, 1.0), (n + 0.2, price + 0.5, -0.5), (n - 0.3, price - 0.5, 0.25))
        )
        if n == 30:
            log.append(book(1, n + 0.5, (n, n, n), *WHOLE, whole=True))
        log.append(book(n, n + 0.5, (n, n, n - 1), (n % 2 == 0, 90.0 + n / 10, 1.0), (True, 99.0, n / 8)))
        if n % 3 == 0:
            log.append(marks(n // 3, (n + 0.3, price, price - 0.2, 0.0001)))
    log.append(venue_bar(1, 60, 101.0))
    log.append(trades(seconds + 5, (seconds + 1.0, 100.0, 1.0)))
    return tuple(log)


@pytest.fixture(scope="module")
def straight() -> list[bytes]:
    core = market()
    outputs = tell(core, *busy_log()) + core.flush()
    return [output.value.to_json() for output in outputs]


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(0, 330), max_size=5))
def test_a_core_that_is_restored_anywhere_goes_on_to_the_same_bytes(
    straight: list[bytes], stops: set[int]
) -> None:
    core, outputs = market(), list[Output]()
    for place, value in enumerate(busy_log()):
        if place in stops:
            state = core.dump()
            core = market()
            core.restore(state)
            assert core.dump() == state
        outputs += tell(core, value)
    outputs += core.flush()
    assert [output.value.to_json() for output in outputs] == straight


def test_the_state_stays_small() -> None:
    core = market()
    tell(core, *(venue_bar(n, 60 * n, 40_000.0 + n / 10) for n in range(1, 301)))
    size = len(core.dump())
    tell(core, *(venue_bar(n, 60 * n, 40_000.0 + n / 10) for n in range(301, 600)))
    assert abs(len(core.dump()) - size) < 200
    assert size < 16_000


def test_all_ids_are_distinct_and_repeat() -> None:
    outputs = tell(market(), *busy_log())
    ids = [message.message_id for port in (MARKS, SNAPSHOTS) for message in said(outputs, port)]
    ids += [row.row_id for row in said(outputs, ROWS) if isinstance(row, MarketBar)]
    assert len(ids) == len(set(ids))
    assert [output.value for output in tell(market(), *busy_log())] == [output.value for output in outputs]


def test_the_state_is_json() -> None:
    core = market()
    tell(core, *busy_log(20))
    assert orjson.loads(core.dump())["latest"] == at(60)


numbers = st.floats() | st.sampled_from([0.0, 1e-300, 1e9, 1e12, 1e300]) | st.floats(0.5, 2.0)
whole = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5)
moments = st.integers(0, at(0) * 4) | st.integers(at(0), at(300))


@st.composite
def any_batches(draw: st.DrawFn) -> MarketBatch:
    """Whatever can be read as market data, however little sense it makes."""
    kind = draw(st.sampled_from(MarketKind))
    length = draw(st.integers(1, 4))
    drawn = {"timestamp[us, tz=UTC]": moments, "int64": whole, "double": numbers, "bool": st.booleans()}
    columns = {
        field.name: draw(st.lists(drawn[str(field.type)], min_size=length, max_size=length))
        for field in SCHEMAS[kind]
    }
    made = MarketBatch.of(SYMBOL, kind, draw(st.integers(1, 20)), rows_of(kind, columns))
    return read_market_batch(made.encode(), made.attributes())


@settings(max_examples=150, deadline=None)
@given(st.lists(any_batches(), max_size=8))
def test_nothing_that_can_be_read_breaks_the_core(log: list[MarketBatch]) -> None:
    core = market()
    outputs = tell(core, *log) + core.flush()
    assert all(output.value.from_json(output.value.to_json()) == output.value for output in outputs)
    assert adds_up(core)
    restored = market()
    restored.restore(core.dump())
    assert restored.dump() == core.dump()
