"""Who of the staff did what to which report, and why; only ever added to."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    FetchedValue,
    Index,
    LargeBinary,
    Table,
    Text,
)

from geo.store.tables.base import metadata

audit_log = Table(
    "audit_log",
    metadata,
    # 1, 2, 3 …; given, as the hashes are, by a trigger (migration 0018), whatever was inserted
    Column(
        "n",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        server_default=FetchedValue(),
    ),
    Column("at", DateTime(timezone=True), nullable=False),
    # an account's address, `command:<user of the machine>`, or what did it by itself
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    # what it was done to: a report's code, an account's address …
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # the hash of the line before; 32 zeros before the first
    Column("before", LargeBinary, nullable=False),
    # sha256 of `before` and of this line (geo.audit.hash_of)
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("n > 0", name="n"),
    CheckConstraint("octet_length(before) = 32 AND octet_length(hash) = 32", name="hashes"),
    Index("ix_audit_log_subject_n", "subject", "n"),
    Index("ix_audit_log_actor_n", "actor", "n"),
)
