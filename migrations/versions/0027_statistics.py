"""Statistics: what a report counts as, and the channels by number."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# In which of the bins a time lies that something took: each is a twentieth longer than the one
# before it, and the first is the first minute and a twentieth. NULL where it is not known.
BIN = """
CREATE FUNCTION pinward_duration_bin(since timestamptz, until timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN until IS NOT NULL THEN CAST(least(399, floor(
        ln(greatest(1, (date_part('epoch', until) - date_part('epoch', since)) / 60)) / ln(1.05::float8)
    )) AS smallint) END
$$
"""

# What one report adds to the numbers. `flags`: 1 open, 2 answered, 4 answered of those that had to
# be, 8 in time, 16 done of those that had to be, 32 in time, 64 done at least once, 128 opened again.
# `reply_late_at`, `late_at`: from when on it is late, as long as nobody touches it; while it waits
# the clock stands. A table, so that it is part of the plan of who asks.
MEASURED = """
CREATE FUNCTION pinward_measured(
    status text,
    created_at timestamptz,
    due_at timestamptz,
    closed_at timestamptz,
    first_due_at timestamptz,
    replied_at timestamptz,
    waits_since timestamptz,
    resolved_at timestamptz,
    reopened smallint
) RETURNS TABLE (
    flags int, reply_late_at timestamptz, late_at timestamptz, reply_bin smallint, result_bin smallint
) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT
        CASE WHEN status IN ('received', 'assigned', 'in_progress', 'waiting') THEN 1 ELSE 0 END
        + CASE WHEN replied_at IS NOT NULL THEN 2 ELSE 0 END
        + CASE WHEN replied_at IS NOT NULL AND first_due_at IS NOT NULL THEN 4 ELSE 0 END
        + CASE WHEN replied_at <= first_due_at THEN 8 ELSE 0 END
        + CASE
            WHEN status IN ('resolved', 'closed', 'rejected') AND due_at IS NOT NULL
                AND coalesce(resolved_at, closed_at) IS NOT NULL
            THEN 16 ELSE 0
        END
        + CASE
            WHEN status IN ('resolved', 'closed', 'rejected')
                AND coalesce(resolved_at, closed_at) <= due_at
            THEN 32 ELSE 0
        END
        + CASE WHEN status IN ('resolved', 'closed', 'rejected') OR reopened > 0 THEN 64 ELSE 0 END
        + CASE WHEN reopened > 0 THEN 128 ELSE 0 END,
        CASE
            WHEN status IN ('received', 'assigned', 'in_progress', 'waiting') AND replied_at IS NULL
            THEN first_due_at
        END,
        CASE
            WHEN status IN ('received', 'assigned', 'in_progress', 'waiting')
                AND (waits_since IS NULL OR due_at <= waits_since)
            THEN due_at
        END,
        pinward_duration_bin(created_at, replied_at),
        CASE
            WHEN status IN ('resolved', 'closed', 'rejected')
            THEN pinward_duration_bin(created_at, coalesce(resolved_at, closed_at))
        END
$$
"""

CHANNELS = """
CREATE TABLE statistics_channels (
    number INTEGER GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    CONSTRAINT pk_statistics_channels PRIMARY KEY (number),
    CONSTRAINT uq_statistics_channels_name UNIQUE (name)
);
INSERT INTO statistics_channels (name) SELECT DISTINCT channel FROM reports;
CREATE FUNCTION pinward_number_channels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Looked for first: nearly always it is there, and no number is used up.
    INSERT INTO statistics_channels (name)
    SELECT DISTINCT n.channel FROM new_rows AS n
    WHERE NOT EXISTS (SELECT FROM statistics_channels AS c WHERE c.name = n.channel)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER channels_inserted AFTER INSERT ON reports REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION pinward_number_channels();
CREATE TRIGGER channels_updated AFTER UPDATE ON reports REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION pinward_number_channels()
"""


def upgrade() -> None:
    for statements in (BIN, MEASURED, CHANNELS):
        op.execute(statements)


def downgrade() -> None:
    for trigger in ("inserted", "updated"):
        op.execute(f"DROP TRIGGER channels_{trigger} ON reports")
    op.execute("DROP FUNCTION pinward_number_channels")
    op.execute("DROP TABLE statistics_channels")
    op.execute("DROP FUNCTION pinward_measured, pinward_duration_bin")
