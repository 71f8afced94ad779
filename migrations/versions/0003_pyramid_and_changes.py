"""Finer cells, the log of changes, and the pyramid of counts that is folded from it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# As in 0001, at another zoom: cells of zoom 26 are 0.6 m wide, so that a position within any tile
# can be read off the number alone.
CELL_FUNCTION = """
CREATE FUNCTION pinward_cell(lon double precision, lat double precision) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    s double precision := sin(radians(greatest(-85.0511287798066, least(85.0511287798066, lat))));
    x bigint := greatest(0, least({side} - 1, floor((lon + 180.0) / 360.0 * {side}.0)));
    y bigint := greatest(0, least({side} - 1,
        floor((0.5 - ln((1.0 + s) / (1.0 - s)) / (4.0 * pi())) * {side}.0)));
BEGIN
    x := (x | (x << 16)) & 281470681808895;
    y := (y | (y << 16)) & 281470681808895;
    x := (x | (x << 8)) & 71777214294589695;
    y := (y | (y << 8)) & 71777214294589695;
    x := (x | (x << 4)) & 1085102592571150095;
    y := (y | (y << 4)) & 1085102592571150095;
    x := (x | (x << 2)) & 3689348814741910323;
    y := (y | (y << 2)) & 3689348814741910323;
    x := (x | (x << 1)) & 6148914691236517205;
    y := (y | (y << 1)) & 6148914691236517205;
    RETURN x | (y << 1);
END
$$
"""

# The cell at which the public sees a report, as `pinward_public_point` is the point: of a blurred
# one the middle of its zoom 18 cell (3 << 14 is the middle of 2^16 cells), of a hidden one none.
PUBLIC_CELL = """
CREATE FUNCTION pinward_public_cell(cell bigint, visibility text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE visibility
        WHEN 'public' THEN cell
        WHEN 'blurred' THEN ((cell >> 16) << 16) | 49152
    END
$$
"""

# Small and never used again, so that packed counts can name a category in two bytes. No identity
# column: every upsert of the category tree would use up numbers.
CATEGORY_NUMBER = """
CREATE SEQUENCE categories_number AS smallint;
SELECT setval('categories_number', coalesce(max(number), 0) + 1, false) FROM categories;
CREATE FUNCTION pinward_number_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number IS NULL THEN
        SELECT number INTO NEW.number FROM categories WHERE code = NEW.code;
        IF NEW.number IS NULL THEN
            -- Not the highest there is and one more: the log may still tell of one that is gone.
            NEW.number := nextval('categories_number');
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER number_category BEFORE INSERT ON categories
FOR EACH ROW EXECUTE FUNCTION pinward_number_category()
"""

# What the public map has to know of each write to `reports`: where and what the report was before
# (`old_…`) and is now (`new_…`), as the public sees it; NULL where it was or is not on that map.
REPORT_CHANGES = """
CREATE FUNCTION pinward_reports_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        topic, subject, new_cell, new_category, new_status, new_kind, new_ward_id, new_created_at
    )
    SELECT
        'report', n.code, pinward_public_cell(n.cell, c.visibility), c.number, n.status, n.kind,
        n.ward_id, n.created_at
    FROM new_rows AS n
    JOIN categories AS c ON c.code = n.category_code
    WHERE c.visibility <> 'hidden';
    RETURN NULL;
END
$$;
CREATE FUNCTION pinward_reports_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (
        topic, subject, old_cell, old_category, old_status, old_kind, old_ward_id, old_created_at
    )
    SELECT
        'report', o.code, pinward_public_cell(o.cell, c.visibility), c.number, o.status, o.kind,
        o.ward_id, o.created_at
    FROM old_rows AS o
    JOIN categories AS c ON c.code = o.category_code
    WHERE c.visibility <> 'hidden';
    RETURN NULL;
END
$$;
CREATE FUNCTION pinward_reports_updated() RETURNS trigger LANGUAGE plpgsql AS $$
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
    LEFT JOIN categories AS was ON was.code = o.category_code AND was.visibility <> 'hidden'
    LEFT JOIN categories AS is_now ON is_now.code = n.category_code AND is_now.visibility <> 'hidden'
    WHERE (was.number IS NOT NULL OR is_now.number IS NOT NULL)
        AND (o.cell, o.category_code, o.status, o.kind, o.ward_id, o.created_at, o.code, o.text)
            IS DISTINCT FROM
            (n.cell, n.category_code, n.status, n.kind, n.ward_id, n.created_at, n.code, n.text);
    RETURN NULL;
END
$$;
CREATE TRIGGER changes_inserted AFTER INSERT ON reports REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION pinward_reports_inserted();
CREATE TRIGGER changes_deleted AFTER DELETE ON reports REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION pinward_reports_deleted();
CREATE TRIGGER changes_updated AFTER UPDATE ON reports
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION pinward_reports_updated()
"""

# A category shown otherwise moves all its reports on the public map. Writers of reports wait
# meanwhile: one that had read the old visibility and commits later would be missed.
VISIBILITY_CHANGES = """
CREATE FUNCTION pinward_visibility_changed() RETURNS trigger LANGUAGE plpgsql AS $$
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
    WHERE r.category_code = NEW.code;
    RETURN NEW;
END
$$;
CREATE TRIGGER visibility_changed BEFORE UPDATE OF visibility ON categories
FOR EACH ROW WHEN (OLD.visibility IS DISTINCT FROM NEW.visibility)
EXECUTE FUNCTION pinward_visibility_changed()
"""

# 7466928: the pyramid's lock (tiles.pyramid.fold), so that no fold writes beside this.
TRUNCATED = """
CREATE FUNCTION pinward_reports_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7466928);
    DELETE FROM pyramid_counts;
    DELETE FROM pyramid_nodes;
    DELETE FROM changes WHERE topic = 'report';
    UPDATE pyramid_state SET counted = '{}';
    INSERT INTO changes (topic) VALUES ('reports');
    RETURN NULL;
END
$$;
CREATE TRIGGER changes_truncated AFTER TRUNCATE ON reports
FOR EACH STATEMENT EXECUTE FUNCTION pinward_reports_truncated()
"""

# The other layers change seldom and as a whole: the log says which.
LAYER_CHANGES = """
CREATE FUNCTION pinward_layer_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (topic) VALUES (TG_ARGV[0]);
    RETURN NULL;
END
$$;
CREATE TRIGGER family_changed AFTER UPDATE OF parent_code ON categories
FOR EACH ROW WHEN (OLD.parent_code IS DISTINCT FROM NEW.parent_code)
EXECUTE FUNCTION pinward_layer_changed('reports');
CREATE TRIGGER layer_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON facilities
FOR EACH STATEMENT EXECUTE FUNCTION pinward_layer_changed('facilities');
CREATE TRIGGER layer_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON wards
FOR EACH STATEMENT EXECUTE FUNCTION pinward_layer_changed('wards');
CREATE TRIGGER layer_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ward_shapes
FOR EACH STATEMENT EXECUTE FUNCTION pinward_layer_changed('wards');
CREATE TRIGGER layer_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON hotspots
FOR EACH STATEMENT EXECUTE FUNCTION pinward_layer_changed('hotspots');
CREATE FUNCTION pinward_hotspots_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (topic, subject) VALUES ('hotspots', NEW.category_code);
    RETURN NULL;
END
$$;
CREATE TRIGGER hotspots_run AFTER INSERT ON hotspot_runs
FOR EACH ROW EXECUTE FUNCTION pinward_hotspots_run()
"""

# Reports that are there already enter the log; the worker folds them.
FILL = """
INSERT INTO changes (
    topic, subject, new_cell, new_category, new_status, new_kind, new_ward_id, new_created_at
)
SELECT
    'report', r.code, pinward_public_cell(r.cell, c.visibility), c.number, r.status, r.kind,
    r.ward_id, r.created_at
FROM reports AS r
JOIN categories AS c ON c.code = r.category_code
WHERE c.visibility <> 'hidden'
"""


def upgrade() -> None:
    # With the time, so that one report is found among many of its cell without reading them.
    # Packed counts know no time beyond, and none at all of "infinity".
    op.create_check_constraint(
        op.f("ck_reports_created_at"),
        "reports",
        "created_at >= '1000-01-01T00:00:00+00:00' AND created_at < '3000-01-01T00:00:00+00:00'",
    )
    _cells(26, ["cell", "created_at"])
    op.execute(PUBLIC_CELL)
    op.execute("ALTER TABLE categories ADD COLUMN number smallint")
    op.execute(
        "UPDATE categories SET number = n.number FROM "
        "(SELECT code, row_number() OVER (ORDER BY position, code) AS number FROM categories) AS n "
        "WHERE n.code = categories.code"
    )
    op.alter_column("categories", "number", nullable=False)
    op.create_unique_constraint(op.f("uq_categories_number"), "categories", ["number"])
    op.execute(CATEGORY_NUMBER)
    op.execute("CREATE SEQUENCE changes_seq")
    op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        *(
            column
            for when in ("old", "new")
            for column in (
                sa.Column(f"{when}_cell", sa.BigInteger(), nullable=True),
                sa.Column(f"{when}_category", sa.SmallInteger(), nullable=True),
                sa.Column(f"{when}_status", sa.Text(), nullable=True),
                sa.Column(f"{when}_kind", sa.Text(), nullable=True),
                sa.Column(f"{when}_ward_id", sa.Integer(), nullable=True),
                sa.Column(f"{when}_created_at", sa.DateTime(timezone=True), nullable=True),
            )
        ),
    )
    op.create_index(
        "ix_changes_id_fresh",
        "changes",
        ["id"],
        unique=False,
        postgresql_where=sa.text("seq IS NULL"),
    )
    op.create_index(
        "uq_changes_seq",
        "changes",
        ["seq"],
        unique=True,
        postgresql_where=sa.text("seq IS NOT NULL"),
    )
    # Written and emptied all the time: clean up by number of rows, not by share of the table.
    op.execute(
        "ALTER TABLE changes SET (autovacuum_vacuum_scale_factor = 0, "
        "autovacuum_vacuum_threshold = 20000, autovacuum_analyze_scale_factor = 0, "
        "autovacuum_analyze_threshold = 20000, fillfactor = 80)"
    )
    op.create_table(
        "pyramid_nodes",
        sa.Column("node", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.Boolean(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("west", sa.Integer(), nullable=False),
        sa.Column("north", sa.Integer(), nullable=False),
        sa.Column("east", sa.Integer(), nullable=False),
        sa.Column("south", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_pyramid_nodes")),
    )
    op.create_table(
        "pyramid_counts",
        sa.Column("node", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.SmallInteger(), nullable=False),
        sa.Column("period", sa.SmallInteger(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("node", "category", "period", name=op.f("pk_pyramid_counts")),
    )
    # Packed already: no time is spent on compressing, and up to 8 kB stay in their row.
    op.execute("ALTER TABLE pyramid_counts ALTER COLUMN packed SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE pyramid_counts SET (toast_tuple_target = 8160)")
    op.create_table(
        "pyramid_state",
        sa.Column("one", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("folded_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "counted",
            postgresql.ARRAY(sa.BigInteger()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.CheckConstraint("one", name=op.f("ck_pyramid_state_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_pyramid_state")),
    )
    op.execute("INSERT INTO pyramid_state DEFAULT VALUES")
    op.execute(FILL)
    for statements in (REPORT_CHANGES, VISIBILITY_CHANGES, TRUNCATED, LAYER_CHANGES):
        op.execute(statements)


def downgrade() -> None:
    for table in ("hotspots", "ward_shapes", "wards", "facilities"):
        op.execute(f"DROP TRIGGER layer_changed ON {table}")
    op.execute("DROP TRIGGER hotspots_run ON hotspot_runs")
    for trigger in ("inserted", "deleted", "updated", "truncated"):
        op.execute(f"DROP TRIGGER changes_{trigger} ON reports")
        op.execute(f"DROP FUNCTION pinward_reports_{trigger}")
    op.execute("DROP TRIGGER visibility_changed ON categories")
    op.execute("DROP TRIGGER family_changed ON categories")
    op.execute("DROP TRIGGER number_category ON categories")
    for function in ("layer_changed", "hotspots_run", "visibility_changed", "number_category"):
        op.execute(f"DROP FUNCTION pinward_{function}")
    op.drop_table("pyramid_state")
    op.drop_table("pyramid_counts")
    op.drop_table("pyramid_nodes")
    op.drop_table("changes")
    op.execute("DROP SEQUENCE changes_seq")
    op.execute("DROP SEQUENCE categories_number")
    op.drop_column("categories", "number")
    op.execute("DROP FUNCTION pinward_public_cell")
    op.drop_constraint(op.f("ck_reports_created_at"), "reports")
    _cells(18, ["cell"])


def _cells(zoom: int, indexed: list[str]) -> None:
    # goes with the column: the index on it
    op.drop_column("reports", "cell")
    op.execute("DROP FUNCTION pinward_cell")
    op.execute(CELL_FUNCTION.format(side=1 << zoom))
    op.add_column(
        "reports",
        sa.Column(
            "cell",
            sa.BigInteger(),
            sa.Computed("pinward_cell(ST_X(geom), ST_Y(geom))", persisted=True),
            nullable=False,
        ),
    )
    op.create_index(f"ix_reports_{'_'.join(indexed)}", "reports", indexed, unique=False)
