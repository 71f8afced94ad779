"""Reforms of boundaries: what they moved, which wards are the same ward, today's ward of old reports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

OPEN = "status IN ('received', 'assigned', 'in_progress', 'waiting')"

# Successive versions of a code are the same ward while they keep the name, or half of their joint
# ground (geo.wards.versions).
SAME_AS = """
WITH versions AS (
    SELECT
        id, code, name_plain, lower(valid) AS since, geom,
        lag(name_plain) OVER (PARTITION BY code ORDER BY lower(valid)) AS name_before,
        lag(geom) OVER (PARTITION BY code ORDER BY lower(valid)) AS before
    FROM wards
),
begun AS (
    SELECT
        id, code, since,
        CASE WHEN
            name_plain = name_before
            OR ST_Area(ST_Intersection(geom, before)) >= 0.5 * ST_Area(ST_Union(geom, before))
        THEN 0 ELSE 1 END AS begins
    FROM versions
),
runs AS (SELECT *, sum(begins) OVER (PARTITION BY code ORDER BY since) AS run FROM begun),
firsts AS (
    SELECT id, first_value(id) OVER (PARTITION BY code, run ORDER BY since) AS first FROM runs
)
UPDATE wards SET same_as = firsts.first
FROM firsts
WHERE firsts.id = wards.id AND firsts.first <> wards.id
"""

# Each ward with its committee. Until now all areas of a code shared `ward-<code>`: the ward that
# this is named after keeps it (where the city renamed it, the one imported first), each other one
# gets its own, as an import makes it now (geo.store.organisations).
COMMITTEES = """
CREATE TEMPORARY TABLE committees AS
WITH kinds (kind, vi, en) AS (
    VALUES
        ('ward', 'phường', 'Ward'), ('commune', 'xã', 'Commune'), ('town', 'thị trấn', 'Town'),
        ('special_zone', 'đặc khu', 'Special Zone')
),
called AS (
    SELECT
        wards.id, coalesce(same_as, wards.id) AS ward, code, lower(valid) AS since, vi, en, name,
        -- some sources write the kind into the name already
        CASE WHEN lower(name) LIKE vi || ' %' THEN substr(name, length(vi) + 2) ELSE name END
        AS bare
    FROM wards LEFT JOIN kinds USING (kind)
),
named AS (
    SELECT
        id, ward, code, since,
        'UBND ' || CASE WHEN bare = name THEN concat_ws(' ', vi, name) ELSE name END AS name_vi,
        'People''s Committee of ' || concat_ws(' ', bare, en) AS name_en
    FROM called
),
wards_of_codes AS (
    SELECT
        ward, named.code, shared.id AS shared_id, min(since) AS since, min(named.id) AS imported,
        (array_agg(named.name_vi ORDER BY since))[1] AS name_vi,
        (array_agg(named.name_en ORDER BY since))[1] AS name_en,
        bool_or((named.name_vi, named.name_en) = (shared.name_vi, shared.name_en)) AS bears
    FROM named JOIN organisations AS shared ON shared.code = 'ward-' || named.code
    GROUP BY ward, named.code, shared.id
),
kept AS (
    SELECT
        *,
        bears OR (
            NOT bool_or(bears) OVER same_code AND imported = min(imported) OVER same_code
        ) AS keeps
    FROM wards_of_codes
    WINDOW same_code AS (PARTITION BY code)
)
SELECT
    ward, shared_id, keeps, code AS ward_code, name_vi, name_en,
    'ward-' || code || CASE WHEN keeps THEN '' ELSE to_char(since, '-YYYY-MM-DD') END AS code
FROM kept;

-- Those of an earlier upgrade that was taken back are there.
INSERT INTO organisations (code, ward_code, name_vi, name_en)
SELECT code, ward_code, name_vi, name_en FROM committees WHERE NOT keeps
ON CONFLICT (code) DO NOTHING;

UPDATE wards SET organisation_id = own.id
FROM committees JOIN organisations AS own ON own.code = committees.code
WHERE coalesce(wards.same_as, wards.id) = committees.ward;

-- What is open goes to the inbox of its own ward, and says so; what is done was done by whom it was.
UPDATE reports SET
    organisation_id = own.id,
    reasons = (
        SELECT coalesce(jsonb_agg(
            CASE WHEN reason ->> 'vi' = shared.name_vi || ' phụ trách địa bàn này.'
            THEN jsonb_build_object(
                'vi', own.name_vi || ' phụ trách địa bàn này.',
                'en', 'The ' || own.name_en || ' answers for this area.'
            )
            ELSE reason END ORDER BY place
        ), '[]')
        FROM jsonb_array_elements(reports.reasons) WITH ORDINALITY AS said (reason, place)
    )
FROM wards
JOIN committees ON committees.ward = coalesce(wards.same_as, wards.id) AND NOT committees.keeps
JOIN organisations AS own ON own.code = committees.code
JOIN organisations AS shared ON shared.id = committees.shared_id
WHERE
    reports.ward_id = wards.id
    AND reports.organisation_id = shared.id
    AND reports.{OPEN};

DROP TABLE committees
"""


def _tasks_index(condition: str) -> None:
    op.drop_index("ix_reports_tasks", table_name="reports")
    op.create_index(
        "ix_reports_tasks",
        "reports",
        ["cell"],
        postgresql_include=["due_at", "status", "organisation_id", "ward_id"],
        postgresql_where=sa.text(condition),
    )


def upgrade() -> None:
    op.add_column(
        "ward_sets",
        sa.Column("correction", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column("wards", sa.Column("same_as", sa.Integer()))
    op.add_column("wards", sa.Column("organisation_id", sa.Integer()))
    op.create_foreign_key(
        "fk_wards_same_as", "wards", "wards", ["same_as"], ["id"], ondelete="SET NULL"
    )
    op.create_foreign_key(
        "fk_wards_organisation_id", "wards", "organisations", ["organisation_id"], ["id"]
    )
    op.create_index("ix_wards_code", "wards", ["code"])
    op.create_index("ix_wards_same_as", "wards", ["same_as"])
    op.execute(SAME_AS)
    for statement in COMMITTEES.replace("{OPEN}", OPEN).split(";\n"):
        op.execute(statement)
    _tasks_index(OPEN)
    op.create_table(
        "reforms",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("in_force_on", sa.Date(), nullable=False),
        sa.Column("partial", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "asked_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("begun_at", sa.DateTime(timezone=True)),
        sa.Column("applied_at", sa.DateTime(timezone=True)),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("summary", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "state IN ('scheduled', 'applying', 'applied', 'undoing', 'undone')",
            name=op.f("ck_reforms_state"),
        ),
        sa.ForeignKeyConstraint(["set_id"], ["ward_sets.id"], name=op.f("fk_reforms_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reforms")),
    )
    op.create_index(
        "uq_reforms_set_id",
        "reforms",
        ["set_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'undone'"),
    )
    op.create_table(
        "reform_moves",
        sa.Column("report_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("reform_id", sa.Integer(), nullable=False),
        sa.Column("old_ward_id", sa.Integer()),
        sa.Column("old_match", sa.Text()),
        sa.Column("old_distance_m", sa.Double()),
        sa.Column("old_ambiguous_with", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("old_organisation_id", sa.Integer()),
        sa.Column("old_reasons", postgresql.JSONB(), nullable=False),
        sa.Column("old_status", sa.Text(), nullable=False),
        sa.Column("new_ward_id", sa.Integer(), nullable=False),
        sa.Column("new_organisation_id", sa.Integer()),
        sa.Column("new_status", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["reform_id"], ["reforms.id"], name=op.f("fk_reform_moves_reform_id")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["reports.id"],
            name=op.f("fk_reform_moves_report_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", "reform_id", name=op.f("pk_reform_moves")),
    )
    op.create_index("ix_reform_moves_old_ward_id", "reform_moves", ["old_ward_id"])
    op.create_table(
        "wards_today",
        sa.Column("ward_id", sa.Integer(), nullable=False),
        sa.Column("today_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ward_id"], ["wards.id"], name=op.f("fk_wards_today_ward_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["today_id"], ["wards.id"], name=op.f("fk_wards_today_today_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ward_id", name=op.f("pk_wards_today")),
    )
    op.create_table(
        "reports_today",
        sa.Column("report_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("ward_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["reports.id"],
            name=op.f("fk_reports_today_report_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["ward_id"], ["wards.id"], name=op.f("fk_reports_today_ward_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_reports_today")),
    )
    op.create_index("ix_reports_today_ward_id", "reports_today", ["ward_id"])


def downgrade() -> None:
    # Committees made above stay: reports point to them, and their officers may, too.
    for table in ("reports_today", "wards_today", "reform_moves", "reforms"):
        op.drop_table(table)
    _tasks_index(f"{OPEN} AND organisation_id IS NOT NULL")
    op.drop_index("ix_wards_same_as", table_name="wards")
    op.drop_index("ix_wards_code", table_name="wards")
    op.drop_constraint("fk_wards_organisation_id", "wards")
    op.drop_constraint("fk_wards_same_as", "wards")
    op.drop_column("wards", "organisation_id")
    op.drop_column("wards", "same_as")
    op.drop_column("ward_sets", "correction")
