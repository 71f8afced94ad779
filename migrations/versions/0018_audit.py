"""The audit log, which is only ever added to; by what a contact is found again."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0014"
branch_labels = None
depends_on = None

# Twin of geo.audit.hash_of.
AUDIT_HASH = """
CREATE FUNCTION pinward_audit_field(said text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT int4send(octet_length(convert_to(said, 'UTF8'))) || convert_to(said, 'UTF8')
$$;
CREATE FUNCTION pinward_audit_hash(
    n bigint, at timestamptz, actor text, action text, subject text, reason text, before bytea
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(
        before
        || pinward_audit_field(n::text)
        || pinward_audit_field(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || pinward_audit_field(actor)
        || pinward_audit_field(action)
        || pinward_audit_field(subject)
        || pinward_audit_field(reason)
    )
$$
"""

# Number and hashes are given here, whatever was inserted, so that who may insert still cannot forge
# them, and needs no right to read. Two at once wait for each other until the commit (7466937: Lock.AUDIT),
# not for ever; past the lock the statement sees what the other committed (under REPEATABLE READ it
# does not, and the number is refused as taken).
AUDIT_CHAIN = """
CREATE FUNCTION pinward_audit_chain() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(7466937);
    SELECT l.n, l.hash INTO last FROM audit_log AS l ORDER BY l.n DESC LIMIT 1;
    NEW.n := coalesce(last.n, 0) + 1;
    NEW.before := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    NEW.hash := pinward_audit_hash(
        NEW.n, NEW.at, NEW.actor, NEW.action, NEW.subject, NEW.reason, NEW.before
    );
    RETURN NEW;
END
$$;
CREATE FUNCTION pinward_audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is only ever added to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_chain BEFORE INSERT ON audit_log
FOR EACH ROW EXECUTE FUNCTION pinward_audit_chain();
CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION pinward_audit_kept();
-- Also for a session that takes itself for a replica.
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_chain;
ALTER TABLE audit_log ENABLE ALWAYS TRIGGER audit_kept;
-- Whoever the service connects as: to add, and to read for `pinward audit`; nothing else.
REVOKE ALL ON audit_log FROM PUBLIC
"""

TOLD = {
    "reports": {"text": "text", "answers": "jsonb"},
    "report_events": {"text_vi": "text", "text_en": "text", "data": "jsonb"},
}


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("n > 0", name=op.f("ck_audit_log_n")),
        sa.CheckConstraint(
            "octet_length(before) = 32 AND octet_length(hash) = 32",
            name=op.f("ck_audit_log_hashes"),
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_subject_n", "audit_log", ["subject", "n"])
    op.create_index("ix_audit_log_actor_n", "audit_log", ["actor", "n"])
    op.execute(AUDIT_HASH)
    op.execute(AUDIT_CHAIN)
    for kind in ("phone", "email"):
        op.add_column("report_contacts", sa.Column(f"{kind}_mark", sa.LargeBinary()))
        op.create_index(f"ix_report_contacts_{kind}_mark", "report_contacts", [f"{kind}_mark"])
    op.add_column("reports", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.add_column("reports", sa.Column("content_gone_at", sa.DateTime(timezone=True)))
    # ANALYZE keeps samples of what it reads, where an erasure would not reach them. A type set anew,
    # also the same, takes away the samples of before; nothing is rewritten.
    for table, columns in TOLD.items():
        for column, kind in columns.items():
            op.execute(f"ALTER TABLE {table} ALTER {column} TYPE {kind}")
            op.execute(f"ALTER TABLE {table} ALTER {column} SET STATISTICS 0")
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
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    op.drop_table("retention_rules")
    op.drop_index("ix_reports_ended", table_name="reports")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys")
    for table, columns in TOLD.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER {column} SET STATISTICS -1")
    op.drop_column("reports", "content_gone_at")
    op.drop_column("reports", "erased_at")
    for kind in ("phone", "email"):
        op.drop_column("report_contacts", f"{kind}_mark")
    op.drop_table("audit_log")
    for function in ("kept", "chain", "hash", "field"):
        op.execute(f"DROP FUNCTION pinward_audit_{function}")
