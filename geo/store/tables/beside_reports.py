"""What belongs to a report and is kept beside it: contact, history, earlier texts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from geo.store.tables.base import metadata

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

# Texts as they were before the staff edited them; for the staff alone.
report_texts = Table(
    "report_texts",
    metadata,
    Column(
        "report_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    # 1, 2 …: the first is as it was sent
    Column("n", SmallInteger, primary_key=True),
    Column("text", Text, nullable=False),
    Column("replaced_at", DateTime(timezone=True), nullable=False),
    # the account's address, and why
    Column("replaced_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
