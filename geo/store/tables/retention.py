"""How long what people told is kept, as rules that a city sets."""

from sqlalchemy import CheckConstraint, Column, SmallInteger, Table, Text

from geo.store.tables.base import metadata

retention_rules = Table(
    "retention_rules",
    metadata,
    # a category, a family (for those of its children that have no rule), or `*`: all others
    Column("category_code", Text, primary_key=True),
    # months after a report ended; empty: for good
    Column("contact_months", SmallInteger),
    # of its text, answers and photos
    Column("content_months", SmallInteger),
    CheckConstraint("contact_months > 0 AND content_months > 0", name="months"),
)
