"""Told as the result is: that the time for a first reply runs out, and that it is over."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

UNANSWERED = "replied_at IS NULL AND status IN ('received', 'assigned', 'in_progress')"

# Constants and NULLs: a table of ten million is not written anew.
COLUMNS = """
ALTER TABLE reports
    ADD COLUMN first_warn_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN first_escalated SMALLINT DEFAULT '0' NOT NULL
"""
FILL = f"""
UPDATE reports SET first_warn_at = created_at + 0.8 * (first_due_at - created_at)
WHERE first_due_at > created_at AND {UNANSWERED}
"""
CHECKS = """
ALTER TABLE reports
    ADD CONSTRAINT ck_reports_first_escalated CHECK (first_escalated BETWEEN 0 AND 2)
"""
INDEXES = f"""
CREATE INDEX ix_reports_first_warn_at ON reports (first_warn_at)
    WHERE first_escalated = 0 AND {UNANSWERED};
CREATE INDEX ix_reports_first_due_at ON reports (first_due_at)
    WHERE first_escalated = 1 AND {UNANSWERED}
"""


def upgrade() -> None:
    for statements in (COLUMNS, FILL, CHECKS, INDEXES):
        op.execute(statements)


def downgrade() -> None:
    op.execute("DROP INDEX ix_reports_first_warn_at, ix_reports_first_due_at")
    op.execute("ALTER TABLE reports DROP COLUMN first_warn_at, DROP COLUMN first_escalated")
