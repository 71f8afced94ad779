"""Who answers for what and until when, as rules a city sets; reports held to be the same."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Time,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, UUID, ExcludeConstraint

from geo.store.tables.base import metadata

PROMISES = ("first_reply", "resolve")
CLOCKS = ("working", "calendar")

# Areas that rules speak of and that are no wards: an inner city, a drainage basin, an industrial
# park.
zones = Table(
    "zones",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", 4326, spatial_index=False), nullable=False),
)

# The first that fits, by `position`, says who answers; what a rule leaves empty fits everything.
routing_rules = Table(
    "routing_rules",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    # what people call it; `position` orders, equal ones by it
    Column("code", Text, nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    # a category, or a family and so all of its children
    Column("category_code", Text, ForeignKey("categories.code")),
    Column("ward_codes", ARRAY(Text)),
    Column("zone_id", Integer, ForeignKey("zones.id")),
    # a facility of this kind lies within so many geodesic metres
    Column("facility_kind", Text),
    Column("within_m", Integer),
    # local time of day, `from` > `to` goes over midnight; days of the week as ISO numbers, 1 is
    # Monday
    Column("time_from", Time),
    Column("time_to", Time),
    Column("weekdays", ARRAY(SmallInteger)),
    # who answers; empty: the ward's own committee
    Column("organisation_id", Integer, ForeignKey("organisations.id")),
    # the ward's committee is told of it, too
    Column("informs_ward", Boolean, nullable=False, server_default="true"),
    # 1 at once, 2 as usual, 3 when there is time
    Column("priority", SmallInteger, nullable=False, server_default="2"),
    # instead of the category's own
    Column("first_reply", Interval),
    Column("resolve", Interval),
    Column("clock", Text, nullable=False, server_default="working"),
    # local days of the city on which it is in force
    Column("valid", DATERANGE, nullable=False, server_default="(,)"),
    CheckConstraint("priority BETWEEN 1 AND 3", name="priority"),
    CheckConstraint(f"clock IN {CLOCKS!r}", name="clock"),
    CheckConstraint("(facility_kind IS NULL) = (within_m IS NULL)", name="facility"),
    CheckConstraint("within_m BETWEEN 1 AND 5000", name="within_m"),
    CheckConstraint("(time_from IS NULL) = (time_to IS NULL)", name="time"),
    CheckConstraint(
        "weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[] AND weekdays <> '{}'", name="weekdays"
    ),
    CheckConstraint("first_reply > interval '0' AND resolve > interval '0'", name="positive"),
    CheckConstraint("NOT isempty(valid)", name="valid"),
)

# What a category promises, in force between local days; none: what is shipped with the category.
deadline_rules = Table(
    "deadline_rules",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    # a category, a family (for those of its children that have no rule), or `*`: all others
    Column("category_code", Text, nullable=False),
    Column("promise", Text, nullable=False),
    Column("amount", Interval, nullable=False),
    Column("clock", Text, nullable=False),
    Column("valid", DATERANGE, nullable=False, server_default="(,)"),
    # what it follows from: a decision's number
    Column("source", Text, nullable=False, server_default=""),
    CheckConstraint(f"promise IN {PROMISES!r}", name="promise"),
    CheckConstraint(f"clock IN {CLOCKS!r}", name="clock"),
    CheckConstraint("amount > interval '0'", name="amount"),
    CheckConstraint("NOT isempty(valid)", name="valid"),
    ExcludeConstraint(
        ("category_code", "="), ("promise", "="), ("valid", "&&"), name="ex_deadline_rules_valid"
    ),
)

# Days off and days worked that the country's calendar does not know, or has otherwise.
city_days = Table(
    "city_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("works", Boolean, nullable=False),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
)

# "Me too": of a device or a secret, so that nobody counts twice; not of a person.
report_supports = Table(
    "report_supports",
    metadata,
    Column(
        "report_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    # keyed hash, of this report alone
    Column("mark", LargeBinary, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# What became of a merge, so that it can be undone: the status of before.
report_merges = Table(
    "report_merges",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column(
        "report_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column(
        "parent_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("status_before", Text, nullable=False),
    # how many "me too" it brought to its parent: itself, and those who said so of it
    Column("carried", Integer, nullable=False, server_default="0"),
    Column("merged_at", DateTime(timezone=True), nullable=False),
    Column("undone_at", DateTime(timezone=True)),
    Index("ix_report_merges_report_id", "report_id"),
    Index("ix_report_merges_parent_id", "parent_id"),
    # One that is merged has one parent.
    Index(
        "uq_report_merges_standing",
        "report_id",
        unique=True,
        postgresql_where=text("undone_at IS NULL"),
    ),
)

# What crews did without a signal and sent later, so that it is done once however often it is sent.
task_actions = Table(
    "task_actions",
    metadata,
    Column("account_id", Integer, ForeignKey("users.id"), primary_key=True),
    # the phone's
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    # of the report, after it
    Column("version", BigInteger, nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    Index("ix_task_actions_sent_at", "sent_at"),
)

# What the desk answers again and again, of the whole city; `{code}` and such are filled in there.
answer_templates = Table(
    "answer_templates",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("text_vi", Text, nullable=False),
    # "": there is none
    Column("text_en", Text, nullable=False, server_default=""),
    # counts the changes, so that nobody overwrites one that they have not seen
    Column("version", Integer, nullable=False, server_default="1"),
    Column("changed_by", Integer, ForeignKey("users.id", ondelete="SET NULL")),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
