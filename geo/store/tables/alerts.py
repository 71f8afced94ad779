"""Alerts: warnings to the people in an area, for a time."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from geo.store.tables.base import metadata

# Kinds of event, and the words of CAP 1.2 (in lower case) for how bad, how soon and how sure.
ALERT_KINDS = ("flood", "storm", "heat", "fire", "works", "other")
SEVERITIES = ("extreme", "severe", "moderate", "minor")
URGENCIES = ("immediate", "expected", "future", "past", "unknown")
CERTAINTIES = ("observed", "likely", "possible", "unlikely", "unknown")

# A trigger writes `changes` for each row written: topic "alert" with the id, and "alerts".
alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    # CAP's identifier, the same wherever the alert travels
    Column("identifier", UUID(as_uuid=True), nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("certainty", Text, nullable=False),
    Column("headline_vi", Text, nullable=False),
    Column("headline_en", Text),
    Column("description_vi", Text),
    Column("description_en", Text),
    # the area in words: the names of its wards on the day it was sent
    Column("area_vi", Text, nullable=False),
    Column("area_en", Text, nullable=False),
    Column("ward_codes", ARRAY(Text), nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", 4326, spatial_index=False), nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False),
    # in force: effective_at <= t < expires_at, unless and until cancelled
    Column("effective_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("cancelled_at", DateTime(timezone=True)),
    # CAP's sender: the host of the service that sent it
    Column("sender", Text, nullable=False),
    Column("sender_vi", Text, nullable=False),
    Column("sender_en", Text, nullable=False),
    Column("organisation_id", Integer, ForeignKey("organisations.id")),
    # who sent and who cancelled it; not public
    Column("user_id", Integer, ForeignKey("users.id", ondelete="SET NULL")),
    Column("cancelled_by", Integer, ForeignKey("users.id", ondelete="SET NULL")),
    CheckConstraint(f"kind IN {ALERT_KINDS!r}", name="kind"),
    CheckConstraint(f"severity IN {SEVERITIES!r}", name="severity"),
    CheckConstraint(f"urgency IN {URGENCIES!r}", name="urgency"),
    CheckConstraint(f"certainty IN {CERTAINTIES!r}", name="certainty"),
    CheckConstraint("effective_at < expires_at", name="times"),
    Index("ix_alerts_geom", "geom", postgresql_using="gist"),
    Index("ix_alerts_expires_at", "expires_at"),
)
