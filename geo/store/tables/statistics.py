"""What statistics are counted from, beside the reports themselves; written by triggers (migration
0027) and by `geo.store.statistics.fold`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from geo.store.tables.base import metadata

# Counts name a channel by a number.
statistics_channels = Table(
    "statistics_channels",
    metadata,
    Column("number", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

# What reports were and are, until it is folded into the cells. Sums do not mind the order, so it
# has no numbers to wait for: whatever a snapshot sees of it is not in the cells it sees.
statistics_log = Table(
    "statistics_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # -1 was, 1 is; 0: all is to be counted anew, the other columns are NULL
    Column("sign", SmallInteger, nullable=False),
    Column("report_id", UUID(as_uuid=True)),
    # as in `reports`
    Column("category_code", Text),
    Column("ward_id", Integer),
    Column("organisation_id", Integer),
    Column("channel", Text),
    Column("kind", Text),
    Column("status", Text),
    *(
        Column(name, DateTime(timezone=True))
        for name in (
            *("created_at", "due_at", "closed_at", "first_due_at", "replied_at", "waits_since"),
            "resolved_at",
        )
    ),
    Column("reopened", SmallInteger),
    Column("rating", SmallInteger),
    Index("ix_statistics_log_anew", "id", postgresql_where=text("sign = 0")),
)

# Sums by some members (`geo.store.statistics.cells.MASKS`), -1 in the others.
statistics_cells = Table(
    "statistics_cells",
    metadata,
    Column("mask", SmallInteger, primary_key=True, autoincrement=False),
    # a month (year * 12 + month - 1), a year (minus it) or 0: all
    Column("period", Integer, primary_key=True, autoincrement=False),
    # 0: none; `then` and `today` -1: the same, or what the ward became
    Column("ward_id", Integer, primary_key=True, autoincrement=False),
    Column("then_id", Integer, primary_key=True, autoincrement=False),
    Column("today_id", Integer, primary_key=True, autoincrement=False),
    # categories.number
    Column("category", SmallInteger, primary_key=True, autoincrement=False),
    Column("organisation_id", Integer, primary_key=True, autoincrement=False),
    Column("channel", Integer, primary_key=True, autoincrement=False),
    # 2 * the place in STATUSES, + 1 of a suggestion
    Column("state", SmallInteger, primary_key=True, autoincrement=False),
    # slots and their numbers, as geo.store.statistics.cells packs them
    Column("packed", LargeBinary, nullable=False),
    # Few are in another ward than that of their row; the primary key finds those that are not.
    *(
        Index(
            f"ix_statistics_cells_{name}",
            *("mask", "period", name),
            postgresql_where=text(f"{name} >= 0"),
        )
        for name in ("then_id", "today_id")
    ),
)

# What the reports of a day (of UTC, counted from 2000-01-01) count as, one by one; what changed is
# another part of the day, until they are made one again. Not one names its report.
statistics_days = Table(
    "statistics_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("part", BigInteger, Identity(), primary_key=True),
    # as geo.store.statistics.days packs them
    Column("packed", LargeBinary, nullable=False),
)

statistics_state = Table(
    "statistics_state",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    # Whose months the cells have and which categories were not public; NULL: there are no cells.
    Column("basis", Text),
    # What was late before this moment is counted as late in them.
    Column("late_before", DateTime(timezone=True)),
    # How often they were changed.
    Column("folds", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("one", name="one_row"),
)
