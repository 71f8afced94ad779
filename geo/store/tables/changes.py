"""What changed on the map, in the order it became visible, and the pyramid counted from it.

Triggers (migration 0003) write `changes` in the transaction of the change itself. `seq` is given
afterwards, by one process at a time (`geo.store.changes.number`): a row with a number is seen by
everybody who sees a later number, so "after number n" misses nothing and repeats nothing.
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
    Sequence,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from geo.store.tables.base import metadata

# Gives `changes.seq`; in the order of commits, not of writes, so no default of the column.
changes_seq = Sequence("changes_seq", metadata=metadata)


def _as_seen(when: str) -> list[Column[object]]:
    """A report as the public sees it; all NULL (or at least the cell) when it does not."""
    return [
        Column(f"{when}_cell", BigInteger),
        # categories.number
        Column(f"{when}_category", SmallInteger),
        Column(f"{when}_status", Text),
        Column(f"{when}_kind", Text),
        Column(f"{when}_ward_id", Integer),
        Column(f"{when}_created_at", DateTime(timezone=True)),
    ]


changes = Table(
    "changes",
    metadata,
    Column("id", BigInteger, Identity(), nullable=False),
    Column("seq", BigInteger),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    # report; alert; reports (all of them: the table was emptied); a layer's id when it changed as
    # a whole
    Column("topic", Text, nullable=False),
    # report: its code; hotspots: the category of the new run; alert: its id
    Column("subject", Text),
    *_as_seen("old"),
    *_as_seen("new"),
    Index("ix_changes_id_fresh", "id", postgresql_where=text("seq IS NULL")),
    Index("uq_changes_seq", "seq", unique=True, postgresql_where=text("seq IS NOT NULL")),
)

# Tiles of the quadtree, `node` = 1 << 2 * zoom | z-order number. A leaf holds its reports one by
# one, any other node counts of them; see tiles.pyramid.
pyramid_nodes = Table(
    "pyramid_nodes",
    metadata,
    Column("node", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", Boolean, nullable=False),
    Column("n", BigInteger, nullable=False),
    # Columns and rows (zoom 26) between which its reports lie (of a cube: or once lay).
    Column("west", Integer, nullable=False),
    Column("north", Integer, nullable=False),
    Column("east", Integer, nullable=False),
    Column("south", Integer, nullable=False),
)

pyramid_counts = Table(
    "pyramid_counts",
    metadata,
    # A node, or a ward: minus its id.
    Column("node", BigInteger, primary_key=True, autoincrement=False),
    # categories.number; 0: all; -1: the reports of a leaf
    Column("category", SmallInteger, primary_key=True, autoincrement=False),
    # 16 days, numbered from 1970; -32768: all
    Column("period", SmallInteger, primary_key=True, autoincrement=False),
    Column("packed", LargeBinary, nullable=False),
)

pyramid_state = Table(
    "pyramid_state",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    # Changes up to this number are in the counts; all others are added when a tile is read.
    Column("folded_seq", BigInteger, nullable=False, server_default=text("0")),
    # Changes that had no number when the pyramid was built from the table: in the counts too.
    Column("counted", ARRAY(BigInteger), nullable=False, server_default="{}"),
    CheckConstraint("one", name="one_row"),
)
