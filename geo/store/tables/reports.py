"""Reports, what they are about, who answers for them, and their history."""

from datetime import UTC, datetime

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    FetchedValue,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from geo.store.tables.base import metadata

STATUSES = (
    "received",
    "assigned",
    "in_progress",
    "waiting",
    "resolved",
    "closed",
    "rejected",
    "duplicate",
    "withdrawn",
)
OPEN_STATUSES = ("received", "assigned", "in_progress", "waiting")
# No report is from before the first or from the second on; packed counts (tiles.pyramid) name no
# other times, and "infinity" is none that could be told to anybody.
CREATED_FROM, CREATED_UNTIL = datetime(1000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)

categories = Table(
    "categories",
    metadata,
    Column("code", Text, primary_key=True),
    Column("parent_code", Text, ForeignKey("categories.code")),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("icon", Text, nullable=False),
    # [{code, type, required, text: {vi, en}, values: [{code, text: {vi, en}}]}]
    Column("questions", JSONB, nullable=False, server_default="[]"),
    # {first_reply_h, resolve_days}: calendar time (issue of deadlines: geo.reports.deadlines)
    Column("deadlines", JSONB, nullable=False, server_default="{}"),
    Column("visibility", Text, nullable=False, server_default="public"),
    # a category made by an import is read and counted but not offered to citizens
    Column("offered", Boolean, nullable=False, server_default="true"),
    Column("position", Integer, nullable=False, server_default="0"),
    # Given by a trigger, never used again: packed counts name a category in two bytes.
    Column("number", SmallInteger, nullable=False, unique=True, server_default=FetchedValue()),
    CheckConstraint("visibility IN ('public', 'blurred', 'hidden')", name="visibility"),
)

organisations = Table(
    "organisations",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    # A ward's committee names its ward; departments and companies name none.
    Column("ward_code", Text),
)

reports = Table(
    "reports",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False, server_default="incident"),
    Column("category_code", Text, ForeignKey("categories.code"), nullable=False),
    Column("status", Text, nullable=False, server_default="received"),
    Column("text", Text, nullable=False),
    Column("geom", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    Column("accuracy_m", Double),
    # Z-order number of the point's Web Mercator cell at zoom 26 (0.6 m): every tile is one
    # contiguous range of it, compared in integers (never a lon/lat box that wraps at 180 degrees).
    Column(
        "cell",
        BigInteger,
        Computed("pinward_cell(ST_X(geom), ST_Y(geom))", persisted=True),
        nullable=False,
    ),
    Column("ward_id", Integer, ForeignKey("wards.id")),
    Column("ward_match", Text),
    Column("ward_distance_m", Double),
    Column("ambiguous_with", ARRAY(Text), nullable=False, server_default="{}"),
    Column("organisation_id", Integer, ForeignKey("organisations.id")),
    # [{vi, en}]: short sentences saying why this ward and this organisation
    Column("reasons", JSONB, nullable=False, server_default="[]"),
    Column("channel", Text, nullable=False, server_default="web"),
    Column("answers", JSONB, nullable=False, server_default="{}"),
    Column("observed_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("due_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),
    # For imported rows: which source, its id there, and what is odd about the row.
    Column("source", Text),
    Column("source_id", Text),
    Column("flags", ARRAY(Text), nullable=False, server_default="{}"),
    # sha256 of the secret; imported reports have none
    Column("secret_hash", LargeBinary),
    # When its sender had it erased; when its text, answers and photos went (geo.reports.erasure).
    Column("erased_at", DateTime(timezone=True)),
    Column("content_gone_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('incident', 'suggestion')", name="kind"),
    CheckConstraint(f"status IN {STATUSES!r}", name="status"),
    CheckConstraint("ward_match IN ('covers', 'nearest')", name="ward_match"),
    CheckConstraint(
        f"created_at >= '{CREATED_FROM.isoformat()}' "
        f"AND created_at < '{CREATED_UNTIL.isoformat()}'",
        name="created_at",
    ),
    Index("ix_reports_geom", "geom", postgresql_using="gist"),
    # With the time, so that one report is found among many of its cell without reading them.
    Index("ix_reports_cell_created_at", "cell", "created_at"),
    # Open reports: few of many, and all that counting tasks (geo.reports.tasks) by cell needs, or
    # finding those whose ward ended.
    Index(
        "ix_reports_tasks",
        "cell",
        postgresql_include=["due_at", "status", "organisation_id", "ward_id"],
        postgresql_where=text(f"status IN {OPEN_STATUSES!r}"),
    ),
    # Those whose text may have been kept long enough (geo.store.retention).
    Index(
        "ix_reports_ended",
        text("coalesce(closed_at, updated_at)"),
        postgresql_where=text(
            "source IS NULL AND content_gone_at IS NULL "
            "AND status IN ('closed', 'rejected', 'duplicate', 'withdrawn')"
        ),
    ),
    Index("ix_reports_created_at_id", "created_at", "id"),
    Index("ix_reports_category_code_created_at", "category_code", "created_at"),
    Index("ix_reports_ward_id_created_at", "ward_id", "created_at"),
    Index(
        "uq_reports_source_source_id",
        "source",
        "source_id",
        unique=True,
        postgresql_where=text("source_id IS NOT NULL"),
    ),
)

report_contacts = Table(
    "report_contacts",
    metadata,
    Column(
        "report_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    # {name?, phone?, email?} encrypted (geo.reports.keys); an anonymous report has no row here
    Column("sealed", LargeBinary, nullable=False),
    # Keyed hashes of the normalised phone and e-mail, to find all that is kept about one person.
    Column("phone_mark", LargeBinary),
    Column("email_mark", LargeBinary),
    Index("ix_report_contacts_phone_mark", "phone_mark"),
    Index("ix_report_contacts_email_mark", "email_mark"),
)

report_events = Table(
    "report_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column(
        "report_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("at", DateTime(timezone=True), nullable=False),
    # a status it moved to, or what else happened: received, assigned, closed, imported …
    Column("kind", Text, nullable=False),
    Column("text_vi", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("public", Boolean, nullable=False, server_default="true"),
    Column("data", JSONB, nullable=False, server_default="{}"),
    Index("ix_report_events_report_id_id", "report_id", "id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    # sha256 of the key: the key itself derives the secret and is not kept
    Column("key_hash", LargeBinary, primary_key=True),
    # empty: its report was erased
    Column("body_hash", LargeBinary, nullable=False),
    # the first answer, without its secret
    Column("answer", JSONB),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # That of the report, by which its key is found, and by which old ones are forgotten.
    Index("ix_idempotency_keys_created_at", "created_at"),
)
