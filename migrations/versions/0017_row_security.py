"""The ward that an account's code meant on its day; who may see the contacts of reports."""

import sqlalchemy as sa
from alembic import op

from geo.settings import Settings

revision = "0017"
down_revision = "0018"
branch_labels = None
depends_on = None

# Twin of geo.store.wards.named: the version in force that day, else the last one before, else the
# next. The id is that of the ward's first version.
WARDS = """
CREATE FUNCTION pinward_ward_meant(said text, day date) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(w.same_as, w.id)
    FROM wards AS w
    WHERE w.code = said
    ORDER BY w.valid @> day DESC, lower(w.valid) <= day DESC, lower(w.valid) DESC
    LIMIT 1
$$;
CREATE FUNCTION pinward_ward_alone(said text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT count(DISTINCT coalesce(w.same_as, w.id)) = 1 FROM wards AS w WHERE w.code = said
$$
"""


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column("ward_day", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False),
    )
    op.execute(
        sa.text("UPDATE users SET ward_day = (created_at AT TIME ZONE :zone)::date").bindparams(
            zone=Settings().timezone
        )
    )
    op.execute(WARDS)


def downgrade() -> None:
    op.execute("DROP FUNCTION pinward_ward_meant(text, date)")
    op.execute("DROP FUNCTION pinward_ward_alone(text)")
    op.drop_column("users", "ward_day")
