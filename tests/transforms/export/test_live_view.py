"""The live view: counts add up over batches, the latest of each is kept, one round trip a batch, or two with windows."""

from decimal import Decimal

import orjson

from contracts.core_states import core_state
from contracts.live_view import LiveView
from contracts.payloads import DeskState
from contracts.rows.communication import CommunicationMetric
from contracts.rows.market import SnapshotRow
from contracts.rows.trading import PortfolioRow
from contracts.time import to_micros
from tests.transforms.export.rows import T0, delivery_row, message_row
from transforms.export.live_view import LiveViewUpdate

VIEW = LiveView("main")


class RecordingServer:
    """Stands for Redis at the client's edge: keeps what a pipeline is told."""

    def __init__(self):
        self.hashes: dict[str, dict] = {}
        self.strings: dict[str, bytes] = {}
        self.round_trips = 0

    def pipeline(self, transaction):
        assert transaction is False
        return self

    def hincrby(self, key, field, amount):
        fields = self.hashes.setdefault(key, {})
        fields[field] = fields.get(field, 0) + amount

    def hset(self, key, mapping):
        self.hashes.setdefault(key, {}).update(mapping)

    def hmget(self, key, fields):
        self.round_trips += 1
        return [self.hashes.get(key, {}).get(field) for field in fields]

    def set(self, key, value):
        self.strings[key] = value

    def execute(self):
        self.round_trips += 1


def portfolio(equity: str) -> PortfolioRow:
    return PortfolioRow(
        row_id="p", event_time=T0, desk="main", position=1, state=DeskState.ACTIVE, equity=Decimal(equity),
        high_water_mark=Decimal(equity), drawdown=0, gross_exposure=0, net_exposure=0, realised_pnl=0,
        unrealised_pnl=0, fees=0,
    )  # fmt: skip


def window(minute: int, sent: int, seconds: int = 60) -> CommunicationMetric:
    return CommunicationMetric(
        row_id=f"w-{minute}-{sent}", event_time=T0, desk="main", agent="qwen-7b",
        window_start=T0.replace(minute=minute), window_seconds=seconds, sent=sent, admitted=sent, throttled=0,
        delivered=0, suppressed=0, activity_score=1.0,
    )  # fmt: skip


def shown(server) -> dict[str, tuple[int, int]]:
    """The minute and the count of what is shown, by agent and length."""
    return {
        field: (row.window_start.minute, row.sent)
        for field, content in server.hashes[VIEW.communication].items()
        for row in [CommunicationMetric.from_json(content)]
    }


def written(*batches) -> RecordingServer:
    server = RecordingServer()
    for batch in batches:
        update = LiveViewUpdate("main")
        for row in batch:
            update.add(row)
        update.write(server)
    return server


def test_counts_add_up_over_batches():
    server = written(
        [message_row(0), message_row(1, verdict="throttled"), delivery_row(1, "deepseek-v3", True)],
        [message_row(2, sender="deepseek-v3"), delivery_row(2, "deepseek-v3", False)],
    )
    assert server.hashes[VIEW.counts] == {
        "rows:messages": 3,
        "admitted": 2,
        "throttled": 1,
        "sent:qwen-7b": 2,
        "admitted:qwen-7b": 1,
        "throttled:qwen-7b": 1,
        "sent:deepseek-v3": 1,
        "admitted:deepseek-v3": 1,
        "rows:deliveries": 2,
        "deliveries": 1,
        "suppressed": 1,
        "delivered:deepseek-v3": 1,
        "suppressed:deepseek-v3": 1,
    }
    assert server.round_trips == 2


def test_the_latest_is_kept():
    snapshots = [
        SnapshotRow(
            row_id=f"s-{n}",
            event_time=T0,
            snapshot_id=f"s-{n}",
            symbol="BTCUSDT",
            bar_seconds=60,
            price=Decimal(n),
            features=(),
        )
        for n in (1, 2)
    ]
    server = written([portfolio("10000"), *snapshots], [portfolio("10001")])
    assert server.strings[VIEW.portfolio] == portfolio("10001").to_json()
    assert server.hashes[VIEW.snapshots] == {"BTCUSDT": snapshots[1].to_json()}


def test_activity_is_the_senders_last():
    server = written([message_row(0), message_row(30)])
    assert orjson.loads(server.hashes[VIEW.activity]["qwen-7b"]) == {
        "activity_score": 1.25,
        "last_event_time": "2024-01-15T10:00:30+00:00",
    }


def test_the_state_of_a_core_is_told_beside_what_its_job_tells():
    older, newer = (core_state("coordination", "main", n, to_micros(T0), b"{}", T0) for n in (1, 2))
    server = written([older], [newer])
    told = server.hashes[LiveView("main").core_states]
    assert told == {"coordination/export": newer.to_json()}


def test_a_late_remainder_hides_no_newer_window():
    batches = [[window(0, 2)], [window(1, 1)], [window(0, 1)]]
    assert [shown(written(*batches[:n])) for n in (1, 2, 3)] == [
        {"qwen-7b/60": (0, 2)},
        {"qwen-7b/60": (1, 1)},
        {"qwen-7b/60": (1, 1)},
    ]
    assert shown(written([row for batch in batches for row in batch])) == {"qwen-7b/60": (1, 1)}


def test_remainders_of_the_window_that_is_shown_add_up():
    server = written([window(0, 2), window(0, 1)], [window(0, 4), window(0, 8, seconds=10)])
    assert shown(server) == {"qwen-7b/60": (0, 7), "qwen-7b/10": (0, 8)}
    assert server.round_trips == 4


def test_a_window_that_another_version_wrote_is_replaced():
    server = RecordingServer()
    server.hset(VIEW.communication, {"qwen-7b/60": b'{"window":"of old"}'})
    update = LiveViewUpdate("main")
    update.add(window(0, 2))
    update.write(server)
    assert shown(server) == {"qwen-7b/60": (0, 2)}
