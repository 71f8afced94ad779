"""Token buckets, and devices that may not report for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
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

# One token out of each bucket, or out of none: geo.store.abuse says what goes in and comes out.
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
        RETURNING b.level INTO rest;
        CONTINUE WHEN rest >= 0;
        CASE effects[n]
            WHEN 'refuse' THEN
                verdict := 'refused';
                wait_s := -rest / rates[n];
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
            UPDATE abuse_buckets SET level = level + 1 WHERE key = ANY (keys);
        END IF;
    END IF;
END
$$
"""


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


def downgrade() -> None:
    op.drop_table("banned_devices")
    op.execute("DROP FUNCTION pinward_take")
    op.drop_table("abuse_buckets")
