"""0001: orders, their steps, fills, positions and the outbox."""

import sqlalchemy as sa
from alembic import op

from execution.ledger.columns import Exact, Moment, RowNumber

revision = "0001"
down_revision = None


def _order() -> sa.ForeignKey:
    return sa.ForeignKey("orders.client_order_id", deferrable=True, initially="DEFERRED")


def _held() -> list[sa.Column[object]]:
    return [sa.Column(name, Exact, nullable=False) for name in ("quantity", "cost", "realised_pnl", "fees")]


def _named(*names: str, primary_key: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(64), primary_key=primary_key, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "orders",
        sa.Column("number", RowNumber, primary_key=True, autoincrement=True),
        sa.Column("client_order_id", sa.String(64), nullable=False, unique=True),
        *_named("desk", "agent", "symbol"),
        sa.Column("request_json", sa.Text, nullable=False),
        sa.Column("quantity", Exact, nullable=False),
        *_named("status"),
        *[sa.Column(name, Exact, nullable=False) for name in ("filled_quantity", "notional", "fees")],
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        *_named("venue"),
        sa.Column("venue_order_id", sa.String(64)),
        *[sa.Column(name, Moment, nullable=False) for name in ("created_at", "updated_at")],
    )
    op.create_index("orders_by_desk", "orders", ["desk", "agent", "symbol", "number"])
    op.create_index("orders_by_status", "orders", ["status", "number"])
    op.create_table(
        "order_events",
        *_named("execution_id", primary_key=True),
        sa.Column("client_order_id", sa.String(64), _order(), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        *_named("status"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("event_time", Moment, nullable=False),
    )
    op.create_index("order_events_by_order", "order_events", ["client_order_id", "sequence"], unique=True)
    op.create_table(
        "fills",
        sa.Column("number", RowNumber, primary_key=True, autoincrement=True),
        sa.Column("execution_id", sa.String(64), nullable=False, unique=True),
        sa.Column("client_order_id", sa.String(64), _order(), nullable=False),
        *_named("desk", "agent", "symbol"),
        *[sa.Column(name, Exact, nullable=False) for name in ("quantity", "price", "fee")],
        sa.Column("event_time", Moment, nullable=False),
    )
    op.create_index("ix_fills_client_order_id", "fills", ["client_order_id"])
    op.create_table("positions", *_named("desk", "symbol", primary_key=True), *_held())
    op.create_table("agent_positions", *_named("desk", "agent", "symbol", primary_key=True), *_held())
    op.create_table(
        "outbox",
        sa.Column("number", RowNumber, primary_key=True, autoincrement=True),
        sa.Column("message_id", sa.String(64), nullable=False, unique=True),
        sa.Column("message_json", sa.LargeBinary, nullable=False),
        sa.Column("published_at", Moment),
    )
    unpublished = sa.text("published_at IS NULL")
    op.create_index(
        "outbox_unpublished", "outbox", ["number"], sqlite_where=unpublished, postgresql_where=unpublished
    )
