"""Streets by name."""

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text

from geo.store.tables.base import metadata

streets = Table(
    "streets",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # an import replaces all of its source
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("geom", Geometry("MULTILINESTRING", 4326, spatial_index=False), nullable=False),
    Index("ix_streets_source", "source"),
    Index("ix_streets_geom", "geom", postgresql_using="gist"),
)
