"""Tasks near by and the desk's inbox, by organisation, ward and city; what crews sent later."""

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
ACTIONS = """
CREATE TABLE task_actions (
    account_id INTEGER NOT NULL,
    id UUID NOT NULL,
    body_hash BYTEA NOT NULL,
    version BIGINT NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_task_actions PRIMARY KEY (account_id, id),
    CONSTRAINT fk_task_actions_account_id_users FOREIGN KEY (account_id) REFERENCES users (id)
);
CREATE INDEX ix_task_actions_sent_at ON task_actions (sent_at)
"""
BEFORE = f"""
DROP INDEX ix_reports_open_near_city, ix_reports_open_near_ward, ix_reports_open_city;
DROP INDEX ix_reports_open_organisation_id, ix_reports_open_ward_id;
CREATE INDEX ix_reports_open_organisation_id ON reports (organisation_id, due_at, id) WHERE {OPEN};
CREATE INDEX ix_reports_open_ward_id ON reports (ward_id, due_at, id) WHERE {OPEN}
"""


def upgrade() -> None:
    op.execute(INDEXES)
    op.execute(ACTIONS)


def downgrade() -> None:
    op.execute("DROP TABLE task_actions")
    op.execute(BEFORE)
