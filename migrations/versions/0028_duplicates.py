"""Reports that may be the same: how far and how old, and an index to find them by."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE categories
    ADD COLUMN duplicate_radius_m SMALLINT DEFAULT '100' NOT NULL,
    ADD COLUMN duplicate_days SMALLINT DEFAULT '30' NOT NULL,
    ADD CONSTRAINT ck_categories_duplicate_radius_m CHECK (duplicate_radius_m BETWEEN 1 AND 2000),
    ADD CONSTRAINT ck_categories_duplicate_days CHECK (duplicate_days BETWEEN 1 AND 366);
ALTER TABLE report_merges ADD COLUMN carried INTEGER DEFAULT '0' NOT NULL
"""

# Not the index of places: it would read all that ever was reported there to find what is open.
INDEX = """
CREATE INDEX ix_reports_open_alike ON reports (category_code, cell, created_at)
    WHERE status IN ('received', 'assigned', 'in_progress', 'waiting')
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(INDEX)


def downgrade() -> None:
    op.execute("DROP INDEX ix_reports_open_alike")
    op.execute("ALTER TABLE report_merges DROP COLUMN carried")
    op.execute("ALTER TABLE categories DROP COLUMN duplicate_radius_m, DROP COLUMN duplicate_days")
