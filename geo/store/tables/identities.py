"""By which identities of sign-in services (OpenID Connect) accounts are reached, and citizens their
own reports."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from geo.store.tables.base import metadata

user_identities = Table(
    "user_identities",
    metadata,
    # what the service calls itself, and the person: together nobody else's, now and later
    Column("issuer", Text, primary_key=True),
    Column("sub", Text, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("linked_at", DateTime(timezone=True), nullable=False),
    # one a service: a second one would be a second way in that nobody knows of
    Index("ix_user_identities_user_id_issuer", "user_id", "issuer", unique=True),
)

oidc_states = Table(
    "oidc_states",
    metadata,
    # sha256 of the state of a sign-in that came back; kept until that could come no more
    Column("state_hash", LargeBinary, primary_key=True),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(state_hash) = 32", name="state_hash"),
    Index("ix_oidc_states_ends_at", "ends_at"),
)

citizens = Table(
    "citizens",
    metadata,
    # a keyed hash of issuer and sub, and nothing else about anybody
    Column("mark", LargeBinary, primary_key=True),
    CheckConstraint("octet_length(mark) = 32", name="mark"),
)


def _mark() -> ForeignKey:
    return ForeignKey("citizens.mark", ondelete="CASCADE", onupdate="CASCADE")


citizen_sessions = Table(
    "citizen_sessions",
    metadata,
    # sha256 of the cookie's token
    Column("token_hash", LargeBinary, primary_key=True),
    Column("mark", LargeBinary, _mark(), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_citizen_sessions_mark", "mark"),
    Index("ix_citizen_sessions_expires_at", "expires_at"),
)

# Only what somebody chose to have kept as theirs.
citizen_reports = Table(
    "citizen_reports",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("mark", LargeBinary, _mark(), nullable=False),
    Index("ix_citizen_reports_mark", "mark"),
)
