"""Tasks near by and the desk's inbox, of an organisation, of a ward, and of the city."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

OPEN = "status IN ('received', 'assigned', 'in_progress', 'waiting')"
INDEXES = f"""
CREATE INDEX ix_reports_open_near_ward ON reports USING gist (ward_id, geom) WHERE {OPEN};
CREATE INDEX ix_reports_open_near_city ON reports USING gist (geom) WHERE {OPEN};
DROP INDEX ix_reports_open_organisation_id, ix_reports_open_ward_id;
CREATE INDEX ix_reports_open_organisation_id
    ON reports (organisation_id, priority, due_at, id) WHERE {OPEN};
CREATE INDEX ix_reports_open_ward_id ON reports (ward_id, priority, due_at, id) WHERE {OPEN};
CREATE INDEX ix_reports_open_city ON reports (priority, due_at, id) WHERE {OPEN}
"""
BEFORE = f"""
DROP INDEX ix_reports_open_near_city, ix_reports_open_near_ward, ix_reports_open_city;
DROP INDEX ix_reports_open_organisation_id, ix_reports_open_ward_id;
CREATE INDEX ix_reports_open_organisation_id ON reports (organisation_id, due_at, id) WHERE {OPEN};
CREATE INDEX ix_reports_open_ward_id ON reports (ward_id, due_at, id) WHERE {OPEN}
"""


def upgrade() -> None:
    op.execute(INDEXES)


def downgrade() -> None:
    op.execute(BEFORE)
