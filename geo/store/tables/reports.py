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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZMULTIRANGE, UUID

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
    # whether what was resolved must be shown, not only said
    Column("photo_wanted", Boolean, nullable=False, server_default="false"),
    # as far and as long ago as another report may be the same as a new one
    Column("duplicate_radius_m", SmallInteger, nullable=False, server_default="100"),
    Column("duplicate_days", SmallInteger, nullable=False, server_default="30"),
    # a category made by an import is read and counted but not offered to citizens
    Column("offered", Boolean, nullable=False, server_default="true"),
    Column("position", Integer, nullable=False, server_default="0"),
    # Given by a trigger, never used again: packed counts name a category in two bytes.
    Column("number", SmallInteger, nullable=False, unique=True, server_default=FetchedValue()),
    CheckConstraint("visibility IN ('public', 'blurred', 'hidden')", name="visibility"),
    CheckConstraint("duplicate_radius_m BETWEEN 1 AND 2000", name="duplicate_radius_m"),
    CheckConstraint("duplicate_days BETWEEN 1 AND 366", name="duplicate_days"),
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
    # Why the public does not see it, whatever its category says: `review`, until the staff have
    # looked at it; `hidden` by the staff. NULL: nothing is in the way.
    Column("withheld", Text),
    # When the staff last edited its text; what it was before is in `report_texts`.
    Column("edited_at", DateTime(timezone=True)),
    # 1 at once, 2 as usual, 3 when there is time
    Column("priority", SmallInteger, nullable=False, server_default="2"),
    # What a rule of routing promised it instead of its category's deadlines, as it was that day:
    # {first_reply?, resolve?} in seconds, clock, source
    Column("promised", JSONB),
    # The first reply: until when, and when it was given; when four fifths of the time until then
    # are over. 1: that was told, 2: it is late.
    Column("first_due_at", DateTime(timezone=True)),
    Column("replied_at", DateTime(timezone=True)),
    Column("first_warn_at", DateTime(timezone=True)),
    Column("first_escalated", SmallInteger, nullable=False, server_default="0"),
    # The same of `due_at`.
    Column("warn_at", DateTime(timezone=True)),
    Column("escalated", SmallInteger, nullable=False, server_default="0"),
    # While it waits no deadline runs (geo.reports.deadlines.due).
    Column("waits_since", DateTime(timezone=True)),
    # since when its deadlines run; NULL: since it was sent
    Column("runs_since", DateTime(timezone=True)),
    Column("paused", TSTZMULTIRANGE, nullable=False, server_default="{}"),
    # the last time that it was resolved or refused: its sender may open it again for a while
    Column("resolved_at", DateTime(timezone=True)),
    Column("reopened", SmallInteger, nullable=False, server_default="0"),
    # who of the staff has it in hand
    Column("holder_id", Integer, ForeignKey("users.id")),
    # of a duplicate: the report that stands for it
    Column("parent_id", UUID(as_uuid=True), ForeignKey("reports.id")),
    Column("rating", SmallInteger),
    Column("rated_at", DateTime(timezone=True)),
    # how many said "me too"
    Column("supports", Integer, nullable=False, server_default="0"),
    CheckConstraint("priority BETWEEN 1 AND 3", name="priority"),
    CheckConstraint("escalated BETWEEN 0 AND 2", name="escalated"),
    CheckConstraint("first_escalated BETWEEN 0 AND 2", name="first_escalated"),
    CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    CheckConstraint("waits_since IS NULL OR status = 'waiting'", name="waits_since"),
    CheckConstraint("parent_id <> id", name="parent_id"),
    CheckConstraint("kind IN ('incident', 'suggestion')", name="kind"),
    CheckConstraint(f"status IN {STATUSES!r}", name="status"),
    CheckConstraint("ward_match IN ('covers', 'nearest')", name="ward_match"),
    CheckConstraint("withheld IN ('review', 'hidden')", name="withheld"),
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
    # What may be the same as another, near by (geo.reports.duplicates).
    Index(
        "ix_reports_open_alike",
        "category_code",
        "cell",
        "created_at",
        postgresql_where=text(f"status IN {OPEN_STATUSES!r}"),
    ),
    # What a crew has to do, near by (btree_gist takes the organisation along), of an organisation,
    # of a ward, and of the city.
    *(
        Index(
            f"ix_reports_open_near{name}",
            *columns,
            "geom",
            postgresql_using="gist",
            postgresql_where=text(f"status IN {OPEN_STATUSES!r}"),
        )
        for name, columns in (
            ("", ["organisation_id"]),
            ("_ward", ["ward_id"]),
            ("_city", []),
        )
    ),
    # The desk's list, by what is due next, of an organisation, a ward, and the city: each priority
    # by itself, so that the list may also begin with the most urgent.
    *(
        Index(
            f"ix_reports_open_{name}",
            *columns,
            "priority",
            "due_at",
            "id",
            postgresql_where=text(f"status IN {OPEN_STATUSES!r}"),
        )
        for name, columns in (
            ("organisation_id", ["organisation_id"]),
            ("ward_id", ["ward_id"]),
            ("city", []),
        )
    ),
    # Whose time runs out next, by what was told of it already.
    *(
        Index(
            f"ix_reports_{name}",
            name,
            postgresql_where=text(
                f"escalated = {told} AND status IN ('received', 'assigned', 'in_progress')"
            ),
        )
        for told, name in enumerate(("warn_at", "due_at"))
    ),
    *(
        Index(
            f"ix_reports_{name}",
            name,
            postgresql_where=text(
                f"first_escalated = {told} AND replied_at IS NULL "
                "AND status IN ('received', 'assigned', 'in_progress')"
            ),
        )
        for told, name in enumerate(("first_warn_at", "first_due_at"))
    ),
    # What becomes late by itself (geo.store.statistics).
    Index(
        "ix_reports_open_due_at",
        "due_at",
        postgresql_where=text(f"status IN {OPEN_STATUSES!r}"),
    ),
    Index(
        "ix_reports_open_first_due_at",
        "first_due_at",
        postgresql_where=text(f"replied_at IS NULL AND status IN {OPEN_STATUSES!r}"),
    ),
    Index("ix_reports_resolved_at", "resolved_at", postgresql_where=text("status = 'resolved'")),
    Index("ix_reports_holder_id", "holder_id", postgresql_where=text("holder_id IS NOT NULL")),
    Index("ix_reports_parent_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
    Index("ix_reports_created_at_id", "created_at", "id"),
    Index("ix_reports_category_code_created_at", "category_code", "created_at"),
    Index("ix_reports_ward_id_created_at", "ward_id", "created_at"),
    # Few of many: what the staff have to look at.
    Index(
        "ix_reports_withheld",
        "withheld",
        "created_at",
        "id",
        postgresql_where=text("withheld IS NOT NULL"),
    ),
    Index(
        "uq_reports_source_source_id",
        "source",
        "source_id",
        unique=True,
        postgresql_where=text("source_id IS NOT NULL"),
    ),
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
