"""The views of the profit, at the emulator, from the rows that a desk really says."""

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
from google.cloud.bigquery import Client

from contracts.rows.trading import AttributionRow, PortfolioRow
from infra.bigquery.creation import create
from tests.infra.bigquery.test_creation import row
from tests.transforms.portfolio.desk_log import BTC, ETH, Player, desk, mark, order_id, rows, step

D = Decimal
HOUR = 3_600
DAY = 24 * HOUR


def bought(seconds: float, agent: str, symbol: str, quantity: str, price: str, fee: str):
    order = order_id(f"{agent}-{seconds}")
    return step(seconds, order, 1, "FILLED", agent, symbol, "BUY", quantity, (quantity, price, fee))


def told(model: type, outputs: list) -> list[dict]:
    return [orjson.loads(found.to_json()) for found in rows(model, outputs)]


def test_the_profit_by_day_adds_up_to_the_desks(client: Client) -> None:
    """Two days, two agents, two symbols: told hourly, at midnight and at the end."""
    play = Player(desk())
    outputs = play(
        mark(0, BTC, "40000"), mark(0, ETH, "2000"),
        bought(1, "alpha", BTC, "0.3", "40001.5", "0.0420016"), bought(2, "beta", BTC, "0.1", "40002", "0.0140007"),
        bought(3, "alpha", ETH, "1.7", "2000.01", "1.19"), mark(HOUR, BTC, "40100"), mark(DAY - 1, ETH, "2001.3"),
        mark(DAY + 1, BTC, "39000"), mark(DAY + HOUR, BTC, "39500.1"), mark(DAY + HOUR + 1, BTC, "39600.2"),
    )  # fmt: skip
    outputs += play.core.flush()
    create(client, "profit")
    for model in (AttributionRow, PortfolioRow):
        lines = told(model, outputs)
        assert client.insert_rows_json(f"{client.project}.profit.{model.table}", lines) == []
    again = told(AttributionRow, outputs)[:1]  # written twice, it counts once
    assert client.insert_rows_json(f"{client.project}.profit.attribution", again) == []

    parts = "SELECT COUNT(*) AS parts FROM `sapphire-test.profit.portfolio`, UNNEST(allocations)"
    assert [line["parts"] for line in client.query_and_wait(parts)] == [2 * len(rows(PortfolioRow, outputs))]
    query = "SELECT * FROM `sapphire-test.profit.profit_by_day`"
    found = [dict(line) for line in client.query_and_wait(query)]
    assert len(found) == 6
    equity = rows(PortfolioRow, outputs)[-1].equity
    assert sum(line["profit"] for line in found) == equity - 100_000
    first = {
        (line["agent"], line["symbol"]): line["profit"] for line in found if line["day"] == date(2024, 1, 15)
    }
    assert first == {
        ("alpha", BTC): D("0.3") * D("98.5") - D("0.0420016"),
        ("alpha", ETH): D("1.7") * D("1.29") - D("1.19"),
        ("beta", BTC): D("0.1") * D(98) - D("0.0140007"),
    }


NOON = datetime(2024, 1, 15, 12, tzinfo=UTC).isoformat()


def test_the_profit_stands_beside_the_talk(client: Client) -> None:
    create(client, "beside")
    consensus = '{"symbol":"BTCUSDT","side":"BUY","score":0.9,"participants":["qwen-7b","deepseek-v3"]}'
    made = {"day": "2024-01-15", "agent": "qwen-7b", "event_time": NOON}
    content = {
        "attribution": [
            row("attribution", "a1", **made, symbol="BTCUSDT", profit="1", position=1),
            row("attribution", "a2", **made, symbol="BTCUSDT", profit="5.5", fees="0.5", funding="-0.25", position=9),
            row("attribution", "a3", **made, symbol="ETHUSDT", profit="2", fees="0.1", funding="0", position=9),
        ],
        "model_calls": [row("model_calls", "c1", agent="qwen-7b", cost_usd="0.002")],
        "executions": [
            row("executions", "e1", agent="qwen-7b", last_quantity="0.5", last_price="100"),
            row("executions", "e2", agent="qwen-7b", last_quantity=None, last_price=None),
        ],
        "messages": [
            row("messages", "m1", sender="qwen-7b", type="INSIGHT", message_class="chatter", verdict="admitted"),
            row("messages", "m2", sender="qwen-7b", type="INSIGHT", message_class="chatter", verdict="throttled"),
            row("messages", "m3", sender="trading", type="CONSENSUS", message_class="chatter", verdict="admitted",
                payload=consensus),
        ],
        "deliveries": [
            row("deliveries", "d1", recipient="qwen-7b", message_class="chatter", delivered=True),
            row("deliveries", "d2", recipient="qwen-7b", message_class="chatter", delivered=False),
            row("deliveries", "d3", recipient="qwen-7b", message_class="critical", delivered=True),
        ],
    }  # fmt: skip
    for table, lines in content.items():
        assert client.insert_rows_json(f"{client.project}.beside.{table}", lines) == []
    query = "SELECT * FROM `sapphire-test.beside.agent_profit_beside_talk`"
    found = {line["agent"]: dict(line) for line in client.query_and_wait(query)}
    assert found["qwen-7b"] == {
        "desk": "main", "day": date(2024, 1, 15), "agent": "qwen-7b", "profit": D("7.5"), "fees": D("0.6"),
        "funding": D("-0.25"), "model_usd": D("0.002"), "fills": 1, "traded": D(50), "messages_sent": 2,
        "messages_throttled": 1, "copies_delivered": 1, "copies_suppressed": 1, "consensus_taken_part_in": 1,
    }  # fmt: skip
    assert found["deepseek-v3"]["consensus_taken_part_in"] == 1
