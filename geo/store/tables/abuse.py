"""What is remembered, and for how long, of who sends reports and uploads: hashes, never people."""

from sqlalchemy import Column, DateTime, Double, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from geo.store.tables.base import metadata

# Token buckets of devices, networks, texts and places, and proofs that were used. Not logged: it is
# written with each report, forgotten within the day, and as good empty after a crash.
abuse_buckets = Table(
    "abuse_buckets",
    metadata,
    # 16 bytes of a keyed hash (geo.abuse.buckets)
    Column("key", LargeBinary, primary_key=True),
    # tokens that were left at `at`; below zero where only a proof went on
    Column("level", Double, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("forget_at", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)

banned_devices = Table(
    "banned_devices",
    metadata,
    # as in `abuse_buckets`, of the device alone
    Column("device", LargeBinary, primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("banned_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # the account's address, and what it gave as reason
    Column("banned_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# From which device a report came, for as long as it may have to be barred; with no key to the
# report, which so carries nothing of a device.
report_devices = Table(
    "report_devices",
    metadata,
    Column("report_id", UUID(as_uuid=True), primary_key=True),
    # as in `banned_devices`, but sealed to this report (geo.reports.keys): of two reports of one
    # device it is not the same
    Column("device", LargeBinary, nullable=False),
    Column("forget_at", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)
