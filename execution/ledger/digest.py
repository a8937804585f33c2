"""A digest of all that a ledger says was traded and told: the same for equal ledgers, on any database."""

import hashlib

from sqlalchemy import Connection, select

from execution.ledger.records import AGENT_POSITIONS, FILLS, ORDER_EVENTS, ORDERS, OUTBOX, POSITIONS

_KEYS = {
    ORDERS: ("client_order_id",),
    ORDER_EVENTS: ("client_order_id", "sequence"),
    FILLS: ("execution_id",),
    POSITIONS: ("desk", "symbol"),
    AGENT_POSITIONS: ("desk", "agent", "symbol"),
    OUTBOX: ("message_id",),
}
_PASSING = {"number", "published_at"}


def state_hash(connection: Connection) -> str:
    """32 hex digits; row numbers and what Pub/Sub has taken do not count."""
    digest = hashlib.blake2b(digest_size=16)
    for table, key in _KEYS.items():
        columns = [column for column in table.c if column.name not in _PASSING]
        rows = [tuple(map(repr, row)) for row in connection.execute(select(*columns))]
        places = [i for i, column in enumerate(columns) if column.name in key]
        # Sorted here, because databases sort text in different ways.
        for row in sorted(rows, key=lambda row: [row[place] for place in places]):
            digest.update("\x1f".join(row).encode() + b"\n")
    return digest.hexdigest()
