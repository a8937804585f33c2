"""0002: the venue's trade ids, the protection's audit, and where the last check of the ledger ended."""

import sqlalchemy as sa
from alembic import op

from execution.ledger.columns import Moment, RowNumber

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A fill of before gets its own execution_id as trade_id: it was told once, and the venue is asked no more."""
    with op.batch_alter_table("fills") as fills:
        fills.add_column(sa.Column("trade_id", sa.String(64), nullable=True))
    op.execute("UPDATE fills SET trade_id = execution_id")
    with op.batch_alter_table("fills") as fills:
        fills.alter_column("trade_id", existing_type=sa.String(64), nullable=False)
        fills.drop_index("ix_fills_client_order_id")
        fills.create_index("fills_by_trade", ["client_order_id", "trade_id"], unique=True)
    op.create_table(
        "protection_events",
        sa.Column("number", RowNumber, primary_key=True, autoincrement=True),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("issued_by", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
    )
    op.create_table(
        "checkpoints",
        sa.Column("fill", RowNumber, primary_key=True, autoincrement=False),
        sa.Column("holdings_json", sa.Text, nullable=False),
    )
