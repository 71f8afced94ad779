"""An index of just the tasks, by cell."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_reports_tasks",
        "reports",
        ["cell"],
        unique=False,
        postgresql_include=["due_at", "status", "organisation_id", "ward_id"],
        postgresql_where=sa.text(
            "status IN ('received', 'assigned', 'in_progress', 'waiting') "
            "AND organisation_id IS NOT NULL"
        ),
    )


def downgrade() -> None:
    op.drop_index("ix_reports_tasks", table_name="reports")
