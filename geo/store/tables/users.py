"""Staff accounts and their sign-ins."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)

from geo.store.tables.base import metadata

ROLES = ("hotline_agent", "crew", "ward_officer", "planner", "admin")

users = Table(
    "users",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    # kept in lower case
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    # the ward or organisation this account acts for; empty: the whole city
    Column("ward_code", Text),
    # the day of the city on which the code was given to the account: the ward it meant then
    Column("ward_day", Date, nullable=False, server_default=text("CURRENT_DATE")),
    Column("organisation_id", Integer, ForeignKey("organisations.id")),
    # argon2id
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False, server_default="false"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint(f"role IN {ROLES!r}", name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    # sha256 of the cookie's token
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_sessions_user_id", "user_id"),
)
