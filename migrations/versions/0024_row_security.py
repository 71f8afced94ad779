"""The ward that an account's code meant on its day; who may see the contacts of reports."""

import sqlalchemy as sa
from alembic import op

from geo.settings import Settings

revision = "0024"
down_revision = "0023"
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

# Twin of geo.scope.Scope, for the roles named. Reads what the asker may not, so it is its owner's,
# and tells a yes or no alone.
WITHIN = """
CREATE FUNCTION pinward_within(
    account integer, roles text[], ward integer, organisation integer
) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1
        FROM users AS u
        WHERE
            u.id = account
            AND NOT u.disabled
            AND u.role = ANY (roles)
            AND CASE
                WHEN coalesce(u.ward_code, '') = '' AND u.organisation_id IS NULL
                    THEN u.role IN ('hotline_agent', 'planner', 'admin')
                ELSE
                    (
                        coalesce(u.ward_code, '') = ''
                        OR pinward_ward_meant(u.ward_code, u.ward_day) = (
                            SELECT coalesce(w.same_as, w.id) FROM wards AS w WHERE w.id = ward
                        )
                    )
                    AND (u.organisation_id IS NULL OR u.organisation_id = organisation)
            END
    )
$$
"""

# Who asks is what the transaction declared (geo.store.asking): an account, or the report whose
# secret was shown. Outside of it the settings are empty, and nobody asks.
ASKS = """
CREATE FUNCTION pinward_asks(report uuid, roles text[]) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1
        FROM reports AS r
        WHERE
            r.id = report
            AND (
                (
                    r.id::text = current_setting('pinward.report', true)
                    AND encode(r.secret_hash, 'hex')
                    = current_setting('pinward.secret_hash', true)
                )
                OR pinward_within(
                    nullif(current_setting('pinward.account', true), '')::integer,
                    roles, r.ward_id, r.organisation_id
                )
            )
    )
$$;
REVOKE ALL ON FUNCTION pinward_within(integer, text[], integer, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pinward_asks(uuid, text[]) FROM PUBLIC
"""

READERS = "ARRAY['hotline_agent', 'ward_officer', 'admin']"
ERASERS = "ARRAY['hotline_agent', 'admin']"
NOBODY = "ARRAY[]::text[]"

# For whoever does not own the table; commands connect as its owner. Sending a report needs no more
# than to add; none of the staff changes a contact, only the reporter.
POLICIES = f"""
CREATE POLICY added ON report_contacts FOR INSERT WITH CHECK (true);
CREATE POLICY seen ON report_contacts FOR SELECT USING (pinward_asks(report_id, {READERS}));
CREATE POLICY erased ON report_contacts FOR DELETE USING (pinward_asks(report_id, {ERASERS}));
CREATE POLICY changed ON report_contacts FOR UPDATE USING (pinward_asks(report_id, {NOBODY}));
ALTER TABLE report_contacts ENABLE ROW LEVEL SECURITY
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
    for statements in (WARDS, WITHIN, ASKS, POLICIES):
        op.execute(statements)


def downgrade() -> None:
    op.execute("ALTER TABLE report_contacts DISABLE ROW LEVEL SECURITY")
    for policy in ("added", "seen", "erased", "changed"):
        op.execute(f"DROP POLICY {policy} ON report_contacts")
    op.execute("DROP FUNCTION pinward_asks(uuid, text[])")
    op.execute("DROP FUNCTION pinward_within(integer, text[], integer, integer)")
    op.execute("DROP FUNCTION pinward_ward_meant(text, date)")
    op.execute("DROP FUNCTION pinward_ward_alone(text)")
    op.drop_column("users", "ward_day")
