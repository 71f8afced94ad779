"""Schools, clinics, hospitals, ward offices, police posts … shown beside the reports."""

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB

from geo.store.tables.base import metadata

facilities = Table(
    "facilities",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # some real facilities carry no name
    Column("name", Text),
    Column("name_plain", Text),
    Column("address", Text),
    Column("tags", JSONB, nullable=False, server_default="{}"),
    Column("geom", Geometry("POINT", 4326, spatial_index=False), nullable=False),
    # as of reports: every tile is one contiguous range of it
    Column(
        "cell",
        BigInteger,
        Computed("pinward_cell(ST_X(geom), ST_Y(geom))", persisted=True),
        nullable=False,
    ),
    UniqueConstraint("source", "source_id"),
    Index("ix_facilities_geom", "geom", postgresql_using="gist"),
    Index("ix_facilities_cell", "cell"),
    # nearest by geodesic metres, per kind or over all kinds
    Index("ix_facilities_geog", sql("(geom::geography)"), postgresql_using="gist"),
)
