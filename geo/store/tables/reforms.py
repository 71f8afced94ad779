"""Reforms of ward boundaries: which were applied, what each moved, and today's ward of old reports.

A report keeps the ward it was assigned to; an open one is moved by a reform. Which of today's wards
a report's place is in is a second, derived answer, kept small: `wards_today` says it for whole
wards that ended, `reports_today` for the reports that their ward's answer is wrong for. In SQL:
`coalesce(reports_today.ward_id, wards_today.today_id, reports.ward_id)`; see
`geo.store.report_wards`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from geo.store.tables.base import metadata

STATES = ("scheduled", "applying", "applied", "undoing", "undone")

reforms = Table(
    "reforms",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("set_id", Integer, ForeignKey("ward_sets.id"), nullable=False),
    Column("state", Text, nullable=False),
    # the first day of the set: the worker applies a scheduled reform when it has come
    Column("in_force_on", Date, nullable=False),
    # whether wards of the city that the set leaves out are meant to go on
    Column("partial", Boolean, nullable=False, server_default="false"),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("begun_at", DateTime(timezone=True)),
    Column("applied_at", DateTime(timezone=True)),
    Column("undone_at", DateTime(timezone=True)),
    # counts of what was done, for people
    Column("summary", JSONB, nullable=False, server_default="{}"),
    CheckConstraint(f"state IN {STATES!r}", name="state"),
    # A set is applied once, unless that was undone.
    Index("uq_reforms_set_id", "set_id", unique=True, postgresql_where=text("state <> 'undone'")),
)

reform_moves = Table(
    "reform_moves",
    metadata,
    # How a report stood before, and what the reform made of it; deleted as it is undone. The report
    # comes first in the key: its moves are looked up by it, a reform's are read as a whole.
    Column(
        "report_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("reform_id", Integer, ForeignKey("reforms.id"), primary_key=True),
    # NULL: in no ward before
    Column("old_ward_id", Integer),
    Column("old_match", Text),
    Column("old_distance_m", Double),
    Column("old_ambiguous_with", ARRAY(Text), nullable=False),
    Column("old_organisation_id", Integer),
    Column("old_reasons", JSONB, nullable=False),
    Column("old_status", Text, nullable=False),
    Column("new_ward_id", Integer, nullable=False),
    Column("new_organisation_id", Integer),
    Column("new_status", Text, nullable=False),
    # of the event that told of it; NULL where nothing changed for people (the same ward, renewed)
    Column("event_id", BigInteger),
    Index("ix_reform_moves_old_ward_id", "old_ward_id"),
)

wards_today = Table(
    "wards_today",
    metadata,
    # a ward that ended, and the ward that has most of its ground
    Column("ward_id", Integer, ForeignKey("wards.id", ondelete="CASCADE"), primary_key=True),
    Column("today_id", Integer, ForeignKey("wards.id", ondelete="CASCADE"), nullable=False),
)

reports_today = Table(
    "reports_today",
    metadata,
    # a report of such a ward whose own place is in another one of today
    Column(
        "report_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("ward_id", Integer, ForeignKey("wards.id", ondelete="CASCADE"), nullable=False),
    Index("ix_reports_today_ward_id", "ward_id"),
)
