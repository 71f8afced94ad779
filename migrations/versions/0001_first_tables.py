"""First tables: wards, reports, facilities, hotspots, staff."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# PostGIS for places, btree_gist for "no two wards of one code on one day", unaccent and pg_trgm for
# searching Vietnamese names without marks.
EXTENSIONS = ("postgis", "btree_gist", "unaccent", "pg_trgm")

# Z-order (Morton) number of the Web Mercator cell at zoom 18 that a WGS 84 point lies in; twin of
# tiles.address.cell_of. Points past the Mercator square go to its edge. Formula: the usual
# spherical Mercator, x = (lon + 180) / 360, y = 1/2 - atanh(sin(lat)) / (2 pi).
CELL_FUNCTION = """
CREATE FUNCTION pinward_cell(lon double precision, lat double precision) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    s double precision := sin(radians(greatest(-85.0511287798066, least(85.0511287798066, lat))));
    x bigint := greatest(0, least(262143, floor((lon + 180.0) / 360.0 * 262144.0)));
    y bigint := greatest(0, least(262143,
        floor((0.5 - ln((1.0 + s) / (1.0 - s)) / (4.0 * pi())) * 262144.0)));
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


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.execute(CELL_FUNCTION)
    op.create_table(
        "categories",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("name_vi", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("icon", sa.Text(), nullable=False),
        sa.Column(
            "questions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "deadlines",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("visibility", sa.Text(), server_default="public", nullable=False),
        sa.Column("offered", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "visibility IN ('public', 'blurred', 'hidden')", name=op.f("ck_categories_visibility")
        ),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["categories.code"], name=op.f("fk_categories_parent_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
    )
    op.create_table(
        "facilities",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_plain", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "tags", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("geom", Geometry("POINT", 4326, spatial_index=False), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facilities")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_facilities_source_source_id")),
    )
    op.create_index(
        "ix_facilities_geog",
        "facilities",
        [sa.literal_column("(geom::geography)")],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index(
        "ix_facilities_geom", "facilities", ["geom"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_vi", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code", name=op.f("uq_organisations_code")),
    )
    op.create_table(
        "ward_sets",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column(
            "imported_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "repairs", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ward_sets")),
        sa.UniqueConstraint("name", name=op.f("uq_ward_sets_name")),
    )
    op.create_table(
        "hotspot_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("eps_m", sa.Double(), nullable=False),
        sa.Column("min_points", sa.Integer(), nullable=False),
        sa.Column("epsg", sa.Integer(), nullable=False),
        sa.Column("n_reports", sa.Integer(), nullable=False),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["category_code"], ["categories.code"], name=op.f("fk_hotspot_runs_category_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotspot_runs")),
    )
    op.create_index(
        "ix_hotspot_runs_category_code_until",
        "hotspot_runs",
        ["category_code", "until"],
        unique=False,
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role IN ('hotline_agent', 'crew', 'ward_officer', 'planner', 'admin')",
            name=op.f("ck_users_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_users_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "wards",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_plain", sa.Text(), nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("geom", Geometry("MULTIPOLYGON", 4326, spatial_index=False), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("code"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="ex_wards_code_valid",
        ),
        sa.ForeignKeyConstraint(
            ["set_id"], ["ward_sets.id"], name=op.f("fk_wards_set_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wards")),
    )
    op.create_index("ix_wards_geom", "wards", ["geom"], unique=False, postgresql_using="gist")
    op.create_index("ix_wards_set_id", "wards", ["set_id"], unique=False)
    op.create_table(
        "hotspots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("first_report_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_report_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("geom", Geometry("POLYGON", 4326, spatial_index=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["hotspot_runs.id"], name=op.f("fk_hotspots_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotspots")),
    )
    op.create_index("ix_hotspots_geom", "hotspots", ["geom"], unique=False, postgresql_using="gist")
    op.create_index("ix_hotspots_run_id", "hotspots", ["run_id"], unique=False)
    op.create_table(
        "reports",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="incident", nullable=False),
        sa.Column("category_code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="received", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("geom", Geometry("POINT", 4326, spatial_index=False), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column(
            "cell",
            sa.BigInteger(),
            sa.Computed("pinward_cell(ST_X(geom), ST_Y(geom))", persisted=True),
            nullable=False,
        ),
        sa.Column("ward_id", sa.Integer(), nullable=True),
        sa.Column("ward_match", sa.Text(), nullable=True),
        sa.Column("ward_distance_m", sa.Double(), nullable=True),
        sa.Column(
            "ambiguous_with", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column(
            "reasons", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("channel", sa.Text(), server_default="web", nullable=False),
        sa.Column(
            "answers", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("flags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("kind IN ('incident', 'suggestion')", name=op.f("ck_reports_kind")),
        sa.CheckConstraint(
            "status IN ('received', 'assigned', 'in_progress', 'waiting', 'resolved', 'closed', 'rejected', 'duplicate', 'withdrawn')",
            name=op.f("ck_reports_status"),
        ),
        sa.CheckConstraint(
            "ward_match IN ('covers', 'nearest')", name=op.f("ck_reports_ward_match")
        ),
        sa.ForeignKeyConstraint(
            ["category_code"], ["categories.code"], name=op.f("fk_reports_category_code")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_reports_organisation_id")
        ),
        sa.ForeignKeyConstraint(["ward_id"], ["wards.id"], name=op.f("fk_reports_ward_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("code", name=op.f("uq_reports_code")),
    )
    op.create_index(
        "ix_reports_category_code_created_at",
        "reports",
        ["category_code", "created_at"],
        unique=False,
    )
    op.create_index("ix_reports_cell", "reports", ["cell"], unique=False)
    op.create_index("ix_reports_created_at_id", "reports", ["created_at", "id"], unique=False)
    op.create_index("ix_reports_geom", "reports", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(
        "ix_reports_ward_id_created_at", "reports", ["ward_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_reports_source_source_id",
        "reports",
        ["source", "source_id"],
        unique=True,
        postgresql_where=sa.text("source_id IS NOT NULL"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_table(
        "ward_shapes",
        sa.Column("ward_id", sa.Integer(), nullable=False),
        sa.Column("max_zoom", sa.SmallInteger(), nullable=False),
        sa.Column("geom_3857", Geometry("MULTIPOLYGON", 3857, spatial_index=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["ward_id"], ["wards.id"], name=op.f("fk_ward_shapes_ward_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ward_id", "max_zoom", name=op.f("pk_ward_shapes")),
    )
    op.create_index(
        "ix_ward_shapes_geom_3857",
        "ward_shapes",
        ["geom_3857"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_table(
        "report_contacts",
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["reports.id"],
            name=op.f("fk_report_contacts_report_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_report_contacts")),
    )
    op.create_table(
        "report_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("report_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text_vi", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("public", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["reports.id"],
            name=op.f("fk_report_events_report_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_events")),
    )
    op.create_index(
        "ix_report_events_report_id_id", "report_events", ["report_id", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_report_events_report_id_id", table_name="report_events")
    op.drop_table("report_events")
    op.drop_table("report_contacts")
    op.drop_index("ix_ward_shapes_geom_3857", table_name="ward_shapes")
    op.drop_table("ward_shapes")
    op.drop_index("ix_sessions_user_id", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        "uq_reports_source_source_id",
        table_name="reports",
        postgresql_where=sa.text("source_id IS NOT NULL"),
    )
    op.drop_index("ix_reports_ward_id_created_at", table_name="reports")
    op.drop_index("ix_reports_geom", table_name="reports")
    op.drop_index("ix_reports_created_at_id", table_name="reports")
    op.drop_index("ix_reports_cell", table_name="reports")
    op.drop_index("ix_reports_category_code_created_at", table_name="reports")
    op.drop_table("reports")
    op.drop_index("ix_hotspots_run_id", table_name="hotspots")
    op.drop_index("ix_hotspots_geom", table_name="hotspots")
    op.drop_table("hotspots")
    op.drop_index("ix_wards_set_id", table_name="wards")
    op.drop_index("ix_wards_geom", table_name="wards")
    op.drop_table("wards")
    op.drop_table("users")
    op.drop_index("ix_hotspot_runs_category_code_until", table_name="hotspot_runs")
    op.drop_table("hotspot_runs")
    op.drop_table("ward_sets")
    op.drop_table("organisations")
    op.drop_table("idempotency_keys")
    op.drop_index("ix_facilities_geom", table_name="facilities")
    op.drop_index("ix_facilities_geog", table_name="facilities", postgresql_using="gist")
    op.drop_table("facilities")
    op.drop_table("categories")
    op.execute("DROP FUNCTION pinward_cell")
