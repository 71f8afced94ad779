"""Facilities know their cell, so that a tile is one range of an index."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "facilities",
        sa.Column(
            "cell",
            sa.BigInteger(),
            sa.Computed("pinward_cell(ST_X(geom), ST_Y(geom))", persisted=True),
            nullable=False,
        ),
    )
    op.create_index("ix_facilities_cell", "facilities", ["cell"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_facilities_cell", table_name="facilities")
    op.drop_column("facilities", "cell")
