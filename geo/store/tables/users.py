"""Staff accounts, their sign-ins, second steps and API keys, and what slows down guessing."""

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
    # the secret of the second step, sealed; it counts once `totp_since` is set
    Column("totp_sealed", LargeBinary),
    Column("totp_since", DateTime(timezone=True)),
    # number of the last time step (30 s since 1970) whose code was used
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    CheckConstraint(f"role IN {ROLES!r}", name="role"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    # sha256 of a random code of 80 bits; the row goes when it is used
    Column("code_hash", LargeBinary, primary_key=True),
)

sessions = Table(
    "sessions",
    metadata,
    # sha256 of the cookie's token
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    # what its owner names it by; it stays when the token is replaced
    Column("id", BigInteger, Identity(), nullable=False, unique=True),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("rotated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # the token before, good until then for requests that were under way
    Column("before_hash", LargeBinary),
    Column("before_until", DateTime(timezone=True)),
    # phone, computer or other: nothing closer is kept
    Column("device", Text, nullable=False, server_default="other"),
    # good for setting up the second step, and for nothing else
    Column("limited", Boolean, nullable=False, server_default="false"),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_before_hash", "before_hash"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # the first characters of the key, by which people recognise it
    Column("prefix", Text, nullable=False),
    # sha256 of the whole, random key
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # in whose name it acts: never further than that account may
    Column("owner_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("ward_code", Text),
    Column("organisation_id", Integer, ForeignKey("organisations.id")),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    # to the minute
    Column("used_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint(f"role IN {ROLES!r}", name="role"),
    Index("ix_api_keys_owner_id", "owner_id"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    # keyed hash of what is counted: an account with a network, a network, an account …
    Column("mark", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    # no further try before
    Column("until", DateTime(timezone=True), nullable=False),
    Index("ix_sign_in_failures_last_at", "last_at"),
)
