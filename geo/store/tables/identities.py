"""By which identities of sign-in services (OpenID Connect) accounts are reached."""

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
