"""Token buckets, barred devices, reports that the public does not see, and texts that were edited."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# A page with room for the next versions of its rows is written without touching the index.
BUCKETS = """
CREATE UNLOGGED TABLE abuse_buckets (
    key BYTEA NOT NULL,
    level DOUBLE PRECISION NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    forget_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_abuse_buckets PRIMARY KEY (key)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
"""

# From which device a report came, apart from the report and not for long. No key to the report: a
# logged table cannot be named by one that is not, the other way it can, but costs each report a look.
DEVICES = """
CREATE UNLOGGED TABLE report_devices (
    report_id UUID NOT NULL,
    device BYTEA NOT NULL,
    forget_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_report_devices PRIMARY KEY (report_id)
)
"""

# One token out of each bucket, or out of none: geo.store.abuse says what goes in and comes out. Who
# is not admitted leaves no bucket behind: devices can be made up without end.
# Whoever calls passes devices before texts and places before networks before the one bucket of all,
# so that two never wait for each other, and the last, which everybody needs, is held shortest. It
# is to be the only statement of its transaction.
TAKE = """
CREATE FUNCTION pinward_take(
    key_hash bytea,
    device bytea,
    keys bytea[],
    effects text[],
    bursts float8[],
    rates float8[],
    starts float8[],
    floors float8[],
    kept interval[],
    proof bytea,
    proof_until timestamptz,
    now timestamptz,
    OUT verdict text,
    OUT wait_s float8,
    OUT depth float8,
    OUT low int[],
    OUT until timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    rest float8;
    is_new boolean;
    made bytea[] := '{}';
    short boolean := false;
BEGIN
    wait_s := 0;
    depth := 1;
    low := '{}';
    IF key_hash IS NOT NULL
        AND EXISTS (SELECT 1 FROM idempotency_keys AS k WHERE k.key_hash = pinward_take.key_hash)
    THEN
        verdict := 'replayed';
        RETURN;
    END IF;
    IF device IS NOT NULL THEN
        SELECT b.until INTO pinward_take.until
        FROM banned_devices AS b
        WHERE b.device = pinward_take.device AND b.until > now;
        IF FOUND THEN
            verdict := 'banned';
            RETURN;
        END IF;
    END IF;
    FOR n IN 1 .. cardinality(keys) LOOP
        INSERT INTO abuse_buckets AS b (key, level, at, forget_at)
        VALUES (keys[n], starts[n] - 1, now, now + kept[n])
        ON CONFLICT (key) DO UPDATE SET
            level = least(
                bursts[n],
                greatest(b.level, floors[n])
                    + rates[n] * greatest(0, extract(epoch FROM now - b.at))
            ) - 1,
            at = greatest(b.at, now),
            forget_at = greatest(b.forget_at, EXCLUDED.forget_at)
        -- a row that was updated names who locked it for that, an inserted one nobody
        RETURNING b.level, b.xmax = 0 INTO rest, is_new;
        IF is_new THEN
            made := made || keys[n];
        END IF;
        CONTINUE WHEN rest >= 0;
        CASE effects[n]
            WHEN 'refuse' THEN
                verdict := 'refused';
                wait_s := -rest / rates[n];
                DELETE FROM abuse_buckets WHERE key = ANY (made);
                UPDATE abuse_buckets SET level = level + 1 WHERE key = ANY (keys[1:n]);
                RETURN;
            WHEN 'prove' THEN
                short := true;
                wait_s := greatest(wait_s, -rest / rates[n]);
                depth := depth * (1 - rest / bursts[n]);
            WHEN 'note' THEN
                low := low || n;
        END CASE;
    END LOOP;
    verdict := 'admitted';
    IF short THEN
        IF proof IS NOT NULL THEN
            INSERT INTO abuse_buckets (key, level, at, forget_at)
            VALUES (proof, 0, now, proof_until)
            ON CONFLICT (key) DO NOTHING;
            short := NOT FOUND;
        END IF;
        IF short THEN
            verdict := 'unproven';
            DELETE FROM abuse_buckets WHERE key = ANY (made);
            UPDATE abuse_buckets SET level = level + 1 WHERE key = ANY (keys);
        END IF;
    END IF;
END
$$
"""

# As in 0003 (INSERTED … VISIBILITY), where only the category said whether the public sees a report.
REPORT_CHANGES = """
CREATE OR REPLACE FUNCTION pinward_reports_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        topic, subject, new_cell, new_category, new_status, new_kind, new_ward_id, new_created_at
    )
    SELECT
        'report', n.code, pinward_public_cell(n.cell, c.visibility), c.number, n.status, n.kind,
        n.ward_id, n.created_at
    FROM new_rows AS n
    JOIN categories AS c ON c.code = n.category_code
    WHERE c.visibility <> 'hidden'{n};
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION pinward_reports_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        topic, subject, old_cell, old_category, old_status, old_kind, old_ward_id, old_created_at
    )
    SELECT
        'report', o.code, pinward_public_cell(o.cell, c.visibility), c.number, o.status, o.kind,
        o.ward_id, o.created_at
    FROM old_rows AS o
    JOIN categories AS c ON c.code = o.category_code
    WHERE c.visibility <> 'hidden'{o};
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION pinward_reports_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        topic, subject,
        old_cell, old_category, old_status, old_kind, old_ward_id, old_created_at,
        new_cell, new_category, new_status, new_kind, new_ward_id, new_created_at
    )
    SELECT
        'report', n.code,
        pinward_public_cell(o.cell, was.visibility), was.number, o.status, o.kind, o.ward_id,
        o.created_at,
        pinward_public_cell(n.cell, is_now.visibility), is_now.number, n.status, n.kind, n.ward_id,
        n.created_at
    FROM old_rows AS o
    JOIN new_rows AS n ON n.id = o.id
    LEFT JOIN categories AS was
        ON was.code = o.category_code AND was.visibility <> 'hidden'{o}
    LEFT JOIN categories AS is_now
        ON is_now.code = n.category_code AND is_now.visibility <> 'hidden'{n}
    WHERE (was.number IS NOT NULL OR is_now.number IS NOT NULL)
        AND (o.cell, o.category_code, o.status, o.kind, o.ward_id, o.created_at, o.code, o.text{old})
            IS DISTINCT FROM
            (n.cell, n.category_code, n.status, n.kind, n.ward_id, n.created_at, n.code, n.text{new});
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION pinward_visibility_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE reports IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO changes (
        topic, subject,
        old_cell, old_category, old_status, old_kind, old_ward_id, old_created_at,
        new_cell, new_category, new_status, new_kind, new_ward_id, new_created_at
    )
    SELECT
        'report', r.code,
        before.cell, CASE WHEN before.cell IS NOT NULL THEN NEW.number END, r.status, r.kind, r.ward_id,
        r.created_at,
        after.cell, CASE WHEN after.cell IS NOT NULL THEN NEW.number END, r.status, r.kind, r.ward_id,
        r.created_at
    FROM reports AS r
    CROSS JOIN LATERAL (SELECT pinward_public_cell(r.cell, OLD.visibility) AS cell) AS before
    CROSS JOIN LATERAL (SELECT pinward_public_cell(r.cell, NEW.visibility) AS cell) AS after
    WHERE r.category_code = NEW.code{r};
    RETURN NEW;
END
$$
"""

NOTHING_WITHHELD = """
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM reports WHERE withheld IS NOT NULL) THEN
        RAISE EXCEPTION 'reports are withheld from the public, which the version before does not know of: '
            'release or delete them first (SELECT code FROM reports WHERE withheld IS NOT NULL)';
    END IF;
END
$$
"""


def _changes(withheld: bool) -> str:
    shown = {name: f" AND {name}.withheld IS NULL" if withheld else "" for name in "nor"}
    compared = (
        {"old": ", o.withheld", "new": ", n.withheld"} if withheld else {"old": "", "new": ""}
    )
    return REPORT_CHANGES.format(**shown, **compared)


def upgrade() -> None:
    op.execute(BUCKETS)
    op.execute(TAKE)
    op.create_table(
        "banned_devices",
        sa.Column("device", sa.LargeBinary(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "banned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("banned_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_banned_devices")),
    )
    op.execute(DEVICES)
    op.add_column("reports", sa.Column("withheld", sa.Text()))
    op.add_column("reports", sa.Column("edited_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_reports_withheld"), "reports", "withheld IN ('review', 'hidden')"
    )
    op.create_index(
        "ix_reports_withheld",
        "reports",
        ["created_at", "id"],
        postgresql_where=sa.text("withheld IS NOT NULL"),
    )
    op.create_table(
        "report_texts",
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["reports.id"],
            name=op.f("fk_report_texts_report_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", "n", name=op.f("pk_report_texts")),
    )
    # As in 0018: what is erased must not live on in a sample.
    op.execute("ALTER TABLE report_texts ALTER text SET STATISTICS 0")
    op.execute(_changes(withheld=True))


def downgrade() -> None:
    # Nobody is to see again what was hidden, only because a version went back.
    op.execute(NOTHING_WITHHELD)
    op.execute(_changes(withheld=False))
    op.drop_table("report_texts")
    op.drop_index("ix_reports_withheld", table_name="reports")
    op.drop_column("reports", "edited_at")
    op.drop_column("reports", "withheld")
    op.drop_table("report_devices")
    op.drop_table("banned_devices")
    op.execute("DROP FUNCTION pinward_take")
    op.drop_table("abuse_buckets")
