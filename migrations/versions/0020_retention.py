"""How long what people told is kept, and by what those that have ended are found."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_reports_ended ON reports (coalesce(closed_at, updated_at)) WHERE source IS NULL"
        " AND content_gone_at IS NULL AND status IN ('closed', 'rejected', 'duplicate', 'withdrawn')"
    )
    op.create_table(
        "retention_rules",
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("contact_months", sa.SmallInteger()),
        sa.Column("content_months", sa.SmallInteger()),
        sa.CheckConstraint(
            "contact_months > 0 AND content_months > 0", name=op.f("ck_retention_rules_months")
        ),
        sa.PrimaryKeyConstraint("category_code", name=op.f("pk_retention_rules")),
    )
    op.execute("INSERT INTO retention_rules VALUES ('*', 12, 60)")


def downgrade() -> None:
    op.drop_table("retention_rules")
    op.drop_index("ix_reports_ended", table_name="reports")
