"""The still of a video, beside it: of uploads and of reports."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# Only videos have one, so the indexes hold few rows.
STILLS = """
ALTER TABLE {table} ADD COLUMN still_sha256 TEXT,
    ADD CONSTRAINT ck_{table}_still_sha256 CHECK (still_sha256 ~ '^[0-9a-f]{{64}}$');
CREATE INDEX ix_{table}_still_sha256 ON {table} (still_sha256) WHERE still_sha256 IS NOT NULL
"""


def upgrade() -> None:
    for table in ("uploads", "photos"):
        op.execute(STILLS.format(table=table))


def downgrade() -> None:
    for table in ("uploads", "photos"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN still_sha256")
