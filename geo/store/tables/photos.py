"""Photos of reports, and those that were sent and wait for their report."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from geo.store.tables.base import metadata

_HASH = "sha256 ~ '^[0-9a-f]{64}$'"
_STILL = "still_" + _HASH

# Cleaned, and not in a report yet. A row goes into `photos` with its report, or away when it ends.
uploads = Table(
    "uploads",
    metadata,
    # sha256 of the id: whoever holds the id may use the photo
    Column("id_hash", LargeBinary, primary_key=True),
    # hex; the object's name in the store
    Column("sha256", Text, nullable=False),
    # of a video: one picture of it, a photo like any other
    Column("still_sha256", Text),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    # bytes that were sent, of which nothing is left: what a client that resumes asks for
    Column("sent", BigInteger, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(_HASH, name="sha256"),
    CheckConstraint(_STILL, name="still_sha256"),
    Index("ix_uploads_sha256", "sha256"),
    Index(
        "ix_uploads_still_sha256",
        "still_sha256",
        postgresql_where=text("still_sha256 IS NOT NULL"),
    ),
    Index("ix_uploads_expires_at", "expires_at"),
)

photos = Table(
    "photos",
    metadata,
    Column(
        "report_id",
        UUID(as_uuid=True),
        ForeignKey("reports.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    # from 1 on, as they were sent; a number is never given again
    Column("n", SmallInteger, primary_key=True),
    Column("sha256", Text, nullable=False),
    # of a video: one picture of it, a photo like any other
    Column("still_sha256", Text),
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    # shown to the reporter alone
    Column("hidden", Boolean, nullable=False, server_default="false"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint(_HASH, name="sha256"),
    CheckConstraint(_STILL, name="still_sha256"),
    CheckConstraint("n > 0", name="n"),
    Index("ix_photos_sha256", "sha256"),
    Index(
        "ix_photos_still_sha256",
        "still_sha256",
        postgresql_where=text("still_sha256 IS NOT NULL"),
    ),
)
