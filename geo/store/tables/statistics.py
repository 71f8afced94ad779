"""What statistics are counted from, beside the reports themselves."""

from sqlalchemy import Column, Identity, Integer, Table, Text

from geo.store.tables.base import metadata

# Written by a trigger of `reports` (migration 0027): counts name a channel by a number.
statistics_channels = Table(
    "statistics_channels",
    metadata,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)
