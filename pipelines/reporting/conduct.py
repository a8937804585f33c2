"""What each agent decided, wished for, said and heard, counted out of the tables."""

from collections.abc import Mapping
from decimal import Decimal

from pipelines.reporting.desk_tables import DeskTables
from transforms.reporting.account import Conduct


def conduct(
    tables: DeskTables, roles: Mapping[str, str], funding: Mapping[str, float]
) -> tuple[Conduct, ...]:
    """Of every agent of `roles` (agent to role), and of everyone else who decided, wished or was paid funding."""
    decisions = _counts(tables, "decisions", "agent", "side")
    wishes = _counts(tables, "risk_verdicts", "agent", "IF(accepted, 'accepted', `check`)")
    said = _counts(tables, "messages", "sender", "CONCAT(message_class, '/', verdict)")
    heard = _counts(tables, "deliveries", "recipient", "IF(delivered, 'heard', 'not_heard')")
    calls = _calls(tables)
    agents = {*roles, *decisions, *wishes, *calls, *funding}
    return tuple(
        Conduct(
            agent=agent,
            role=roles.get(agent, ""),
            decisions=decisions.get(agent, {}),
            wishes=sum(wishes.get(agent, {}).values()),
            refused={check: n for check, n in wishes.get(agent, {}).items() if check != "accepted"},
            said=sum(said.get(agent, {}).values()),
            throttled=sum(n for kind, n in said.get(agent, {}).items() if kind.endswith("/throttled")),
            signals=sum(n for kind, n in said.get(agent, {}).items() if kind.startswith("signal/")),
            signals_throttled=said.get(agent, {}).get("signal/throttled", 0),
            heard=heard.get(agent, {}).get("heard", 0),
            not_heard=heard.get(agent, {}).get("not_heard", 0),
            calls=calls.get(agent, (0, Decimal(0)))[0],
            calls_usd=float(calls.get(agent, (0, Decimal(0)))[1]),
            funding=funding.get(agent, 0.0),
        )
        for agent in sorted(agents)
    )


def _counts(tables: DeskTables, table: str, who: str, what: str) -> dict[str, dict[str, int]]:
    """By agent: how many rows there are of each kind. A row that was written twice counts once."""
    found = tables.ask(f"""
        SELECT {who} AS agent, {what} AS kind, COUNT(DISTINCT row_id) AS found
        FROM `{tables.name(table)}`
        WHERE desk = @desk AND event_time >= @since AND event_time < @until
        GROUP BY agent, kind ORDER BY agent, kind
    """)  # noqa: S608
    counts: dict[str, dict[str, int]] = {}
    for line in found:
        counts.setdefault(line["agent"], {})[line["kind"]] = int(line["found"])
    return counts


def _calls(tables: DeskTables) -> dict[str, tuple[int, Decimal]]:
    found = tables.ask(f"""
        SELECT agent, COUNT(*) AS calls, IFNULL(SUM(cost_usd), 0) AS usd
        FROM {tables.rows("model_calls", "agent, cost_usd")}
        GROUP BY agent ORDER BY agent
    """)  # noqa: S608
    return {line["agent"]: (int(line["calls"]), Decimal(line["usd"])) for line in found}
