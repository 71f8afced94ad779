"""Alerts, and their lines in the log of changes."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = ("flood", "storm", "heat", "fire", "works", "other")
SEVERITIES = ("extreme", "severe", "moderate", "minor")
URGENCIES = ("immediate", "expected", "future", "past", "unknown")
CERTAINTIES = ("observed", "likely", "possible", "unlikely", "unknown")

# Topic "alert" with the id for who follows alerts, "alerts" for who keeps the layer's tiles.
CHANGES = """
CREATE FUNCTION pinward_alert_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO changes (topic, subject) VALUES ('alert', NEW.id::text);
    END IF;
    INSERT INTO changes (topic) VALUES ('alerts');
    RETURN NULL;
END
$$;
CREATE TRIGGER alert_changed AFTER INSERT OR UPDATE OR DELETE ON alerts
FOR EACH ROW EXECUTE FUNCTION pinward_alert_changed();
CREATE TRIGGER layer_changed AFTER TRUNCATE ON alerts
FOR EACH STATEMENT EXECUTE FUNCTION pinward_layer_changed('alerts')
"""


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("identifier", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("certainty", sa.Text(), nullable=False),
        sa.Column("headline_vi", sa.Text(), nullable=False),
        sa.Column("headline_en", sa.Text(), nullable=True),
        sa.Column("description_vi", sa.Text(), nullable=True),
        sa.Column("description_en", sa.Text(), nullable=True),
        sa.Column("area_vi", sa.Text(), nullable=False),
        sa.Column("area_en", sa.Text(), nullable=False),
        sa.Column("ward_codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "geom",
            Geometry("MULTIPOLYGON", 4326, spatial_index=False),
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("sender_vi", sa.Text(), nullable=False),
        sa.Column("sender_en", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("cancelled_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(f"kind IN {KINDS!r}", name=op.f("ck_alerts_kind")),
        sa.CheckConstraint(f"severity IN {SEVERITIES!r}", name=op.f("ck_alerts_severity")),
        sa.CheckConstraint(f"urgency IN {URGENCIES!r}", name=op.f("ck_alerts_urgency")),
        sa.CheckConstraint(f"certainty IN {CERTAINTIES!r}", name=op.f("ck_alerts_certainty")),
        sa.CheckConstraint("effective_at < expires_at", name=op.f("ck_alerts_times")),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_alerts_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_alerts_user_id_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["cancelled_by"],
            ["users.id"],
            name=op.f("fk_alerts_cancelled_by_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("identifier", name=op.f("uq_alerts_identifier")),
    )
    op.create_index("ix_alerts_geom", "alerts", ["geom"], unique=False, postgresql_using="gist")
    op.create_index("ix_alerts_expires_at", "alerts", ["expires_at"], unique=False)
    op.execute(CHANGES)


def downgrade() -> None:
    op.drop_table("alerts")
    op.execute("DROP FUNCTION pinward_alert_changed")
