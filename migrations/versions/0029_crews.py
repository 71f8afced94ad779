"""Tasks near by of a ward and of the city, found as those of an organisation are."""

from alembic import op

revision = "0029"
down_revision = "0027"
branch_labels = None
depends_on = None

OPEN = "status IN ('received', 'assigned', 'in_progress', 'waiting')"
INDEXES = f"""
CREATE INDEX ix_reports_open_near_ward ON reports USING gist (ward_id, geom) WHERE {OPEN};
CREATE INDEX ix_reports_open_near_city ON reports USING gist (geom) WHERE {OPEN}
"""


def upgrade() -> None:
    op.execute(INDEXES)


def downgrade() -> None:
    op.execute("DROP INDEX ix_reports_open_near_city, ix_reports_open_near_ward")
